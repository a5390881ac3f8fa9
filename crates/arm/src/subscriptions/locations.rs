//! Lists the locations of a subscription.
//! Source: 2022-12-01; `az` completes and checks names by it.

use iolite_access::Permit;
use iolite_kernel::{Answer, ApiVersions, Method, Need, Operation, Request, Service, ServiceError, Support};
use serde_json::json;

use crate::Arm;
use crate::location::{LOCATIONS, Location};

/// `Subscriptions_ListLocations`.
pub(crate) const OPERATION: Operation = Operation {
    service: Service::Arm,
    name: "Subscriptions_ListLocations",
    method: Method::Get,
    path: subscription_path!("/locations"),
    versions: ApiVersions::AnyDate,
    need: Need::Management { action: "Microsoft.Resources/subscriptions/locations/read" },
    support: Support::Served,
    summary: "Lists the locations of a subscription.",
};

/// Answers 200 with the locations.
pub(crate) async fn run(arm: &Arm, _: Permit, request: Request) -> Result<Answer, ServiceError> {
    let subscription = request.param("subscriptionId");
    arm.subscription(subscription)?;
    let entry = |location: &Location| {
        json!({
            "id": format!("/subscriptions/{subscription}/locations/{}", location.name),
            "name": location.name,
            "type": "Region",
            "displayName": location.display_name,
            "regionalDisplayName": location.display_name,
            "metadata": {"regionType": "Physical", "regionCategory": "Recommended"},
        })
    };
    let value: Vec<_> = LOCATIONS.iter().map(entry).collect();
    Ok(Answer::ok(&json!({"value": value})))
}

#[cfg(test)]
mod tests {
    use crate::testing::{SUBSCRIPTION, World, json};

    #[tokio::test]
    async fn locations_have_a_name_and_one_for_people() {
        let world = World::new().await;
        let listed = json(&world.get(&format!("/subscriptions/{SUBSCRIPTION}/locations")).await.unwrap());
        let europe =
            listed["value"].as_array().unwrap().iter().find(|location| location["name"] == "westeurope").unwrap();
        assert_eq!(europe["displayName"], "West Europe");
    }
}
