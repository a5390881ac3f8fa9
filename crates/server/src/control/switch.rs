//! The SAS switch of a hub: rehearsed, and flipped.

use std::sync::Arc;

use iolite_arm::Witness;
use iolite_kernel::Uuid;
use iolite_resources::Hub;
use iolite_store::Versioned;
use serde_json::{Value, json};

use super::{Call, Control, Refused};

pub(super) fn show(control: &Control, name: &str) -> Result<Value, Refused> {
    let hub = hub(control, name)?;
    Ok(document(control, &hub))
}

pub(super) async fn change(control: &Control, name: &str, call: &Call) -> Result<Value, Refused> {
    let hub = hub(control, name)?;
    let disabled = call
        .body
        .get("disabled")
        .and_then(Value::as_bool)
        .ok_or_else(|| Refused::bad_request("the body has no true or false `disabled`"))?;
    if hub.disable_local_auth != disabled {
        control.house.rehearsing.local_auth_about_to_change(&hub, disabled, Uuid::nil());
        let estate = &control.house.estate;
        let key = hub.id.name().to_ascii_lowercase();
        estate
            .store
            .transact(|transaction| {
                if let Some(current) = transaction.get(&estate.hubs, &key) {
                    let mut changed = (*current.value).clone();
                    changed.disable_local_auth = disabled;
                    transaction.put(&estate.hubs, &key, changed);
                }
                Ok::<_, iolite_store::StoreError>(())
            })
            .await
            .map_err(|error| Refused::failed(error.to_string()))?;
    }
    show(control, name)
}

fn hub(control: &Control, name: &str) -> Result<Versioned<Hub>, Refused> {
    control.house.estate.hub(name).ok_or_else(|| {
        let known: Vec<Arc<str>> = control.house.estate.hubs.all("").into_iter().map(|(key, _)| key).collect();
        Refused::not_found(format!("there is no hub `{name}`; there are {}", known.join(", ")))
    })
}

fn document(control: &Control, hub: &Hub) -> Value {
    json!({
        "hub": hub.id.name(),
        "disabled": hub.disable_local_auth,
        "rehearsal": control.house.rehearsing.rehearse(hub),
    })
}
