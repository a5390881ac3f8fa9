//! Azure's locations: how their names compare, the short codes that Digital Twins host names carry, and which location stands in
//! for which.
//!
//! The list is that of the public regions and the Chinese ones. Which of them sells which service is not asked: a template for
//! any region can be tried out. Source of the pairs: Microsoft's page on cross-region replication.

use iolite_kernel::{ErrorCode, ResourceId, ServiceError};

use crate::errors::{
    INVALID_RESOURCE_LOCATION, LOCATION_NOT_AVAILABLE_FOR_GROUP, LOCATION_NOT_AVAILABLE_FOR_TYPE, LOCATION_REQUIRED,
};

/// A location.
pub(crate) struct Location {
    /// `westeurope`
    pub(crate) name: &'static str,
    /// The name shown to people: `West Europe`.
    pub(crate) display_name: &'static str,
    /// The code in Digital Twins host names: `weu`. Empty where it is not known.
    code: &'static str,
    /// The name of the paired location. Empty where there is none.
    pair: &'static str,
}

const fn at(name: &'static str, display_name: &'static str, code: &'static str, pair: &'static str) -> Location {
    Location { name, display_name, code, pair }
}

/// The locations that `az account list-locations` shows.
pub(crate) const LOCATIONS: &[Location] = &[
    at("australiacentral", "Australia Central", "", "australiacentral2"),
    at("australiacentral2", "Australia Central 2", "", "australiacentral"),
    at("australiaeast", "Australia East", "eau", "australiasoutheast"),
    at("australiasoutheast", "Australia Southeast", "", "australiaeast"),
    at("brazilsouth", "Brazil South", "", "southcentralus"),
    at("brazilsoutheast", "Brazil Southeast", "", "brazilsouth"),
    at("canadacentral", "Canada Central", "", "canadaeast"),
    at("canadaeast", "Canada East", "", "canadacentral"),
    at("centralindia", "Central India", "", "southindia"),
    at("centralus", "Central US", "", "eastus2"),
    at("eastasia", "East Asia", "", "southeastasia"),
    at("eastus", "East US", "eus", "westus"),
    at("eastus2", "East US 2", "eus2", "centralus"),
    at("francecentral", "France Central", "", "francesouth"),
    at("francesouth", "France South", "", "francecentral"),
    at("germanynorth", "Germany North", "", "germanywestcentral"),
    at("germanywestcentral", "Germany West Central", "", "germanynorth"),
    at("israelcentral", "Israel Central", "", ""),
    at("italynorth", "Italy North", "", ""),
    at("japaneast", "Japan East", "jpe", "japanwest"),
    at("japanwest", "Japan West", "", "japaneast"),
    at("koreacentral", "Korea Central", "krc", "koreasouth"),
    at("koreasouth", "Korea South", "", "koreacentral"),
    at("mexicocentral", "Mexico Central", "", ""),
    at("newzealandnorth", "New Zealand North", "", ""),
    at("northcentralus", "North Central US", "", "southcentralus"),
    at("northeurope", "North Europe", "neu", "westeurope"),
    at("norwayeast", "Norway East", "", "norwaywest"),
    at("norwaywest", "Norway West", "", "norwayeast"),
    at("polandcentral", "Poland Central", "", ""),
    at("qatarcentral", "Qatar Central", "", ""),
    at("southafricanorth", "South Africa North", "", "southafricawest"),
    at("southafricawest", "South Africa West", "", "southafricanorth"),
    at("southcentralus", "South Central US", "scus", "northcentralus"),
    at("southeastasia", "Southeast Asia", "sea", "eastasia"),
    at("southindia", "South India", "", "centralindia"),
    at("spaincentral", "Spain Central", "", ""),
    at("swedencentral", "Sweden Central", "", "swedensouth"),
    at("swedensouth", "Sweden South", "", "swedencentral"),
    at("switzerlandnorth", "Switzerland North", "", "switzerlandwest"),
    at("switzerlandwest", "Switzerland West", "", "switzerlandnorth"),
    at("uaecentral", "UAE Central", "", "uaenorth"),
    at("uaenorth", "UAE North", "", "uaecentral"),
    at("uksouth", "UK South", "uks", "ukwest"),
    at("ukwest", "UK West", "", "uksouth"),
    at("westcentralus", "West Central US", "wcus", "westus2"),
    at("westeurope", "West Europe", "weu", "northeurope"),
    at("westindia", "West India", "", "southindia"),
    at("westus", "West US", "", "eastus"),
    at("westus2", "West US 2", "wus2", "westcentralus"),
    at("westus3", "West US 3", "wus3", "eastus"),
    at("chinaeast", "China East", "", "chinanorth"),
    at("chinaeast2", "China East 2", "", "chinanorth2"),
    at("chinaeast3", "China East 3", "", "chinanorth3"),
    at("chinanorth", "China North", "", "chinaeast"),
    at("chinanorth2", "China North 2", "", "chinaeast2"),
    at("chinanorth3", "China North 3", "", "chinaeast3"),
];

/// The form in which two names of one location are equal: `West Europe` is `westeurope`.
pub(crate) fn canonical(name: &str) -> String {
    name.chars().filter(|letter| !letter.is_whitespace()).collect::<String>().to_ascii_lowercase()
}

/// Whether there is a location of that name.
#[must_use]
pub fn is_location(name: &str) -> bool {
    find(name).is_some()
}

/// The code of a location in host names; one without stands for itself.
pub(crate) fn code(name: &str) -> String {
    let code = find(name).map(|location| location.code).filter(|code| !code.is_empty());
    code.map_or_else(|| canonical(name), str::to_owned)
}

/// A location and its pair, by the names shown to people.
pub(crate) fn with_pair(name: &str) -> (String, Option<&'static str>) {
    let Some(location) = find(name) else { return (name.to_owned(), None) };
    (location.display_name.to_owned(), find(location.pair).map(|pair| pair.display_name))
}

/// The location of a new resource of the type `kind`, which its body must have.
pub(crate) fn required<'a>(given: Option<&'a str>, kind: &str) -> Result<&'a str, ServiceError> {
    known(given, &LOCATION_NOT_AVAILABLE_FOR_TYPE, &format!("resource type '{kind}'"))
}

/// The location of a new resource group, which its body must have.
pub(crate) fn required_for_group(given: Option<&str>) -> Result<&str, ServiceError> {
    known(given, &LOCATION_NOT_AVAILABLE_FOR_GROUP, "resource groups")
}

fn known<'a>(given: Option<&'a str>, unknown: &'static ErrorCode, what: &str) -> Result<&'a str, ServiceError> {
    let Some(name) = given else {
        return Err(ServiceError::new(&LOCATION_REQUIRED, "The location property is required for this resource."));
    };
    if is_location(name) {
        return Ok(name);
    }
    let names: Vec<&str> = LOCATIONS.iter().map(|location| location.name).collect();
    let text = format!("The location '{name}' is not available for {what}. These are: '{}'.", names.join(","));
    Err(ServiceError::new(unknown, text))
}

fn find(name: &str) -> Option<&'static Location> {
    let name = canonical(name);
    LOCATIONS.iter().find(|location| location.name == name)
}

/// Refuses to move a resource that stands at `standing`.
pub(crate) fn require_same(id: &ResourceId, standing: &str, given: Option<&str>) -> Result<(), ServiceError> {
    match given {
        Some(name) if canonical(name) != canonical(standing) => {
            let text = format!(
                "The resource '{}' exists already in location '{standing}' and cannot move to '{name}'.",
                id.name()
            );
            Err(ServiceError::new(&INVALID_RESOURCE_LOCATION, text))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_names_of_one_location_are_equal() {
        assert_eq!(canonical("West Europe"), canonical("westeurope"));
        assert_eq!(code("West Europe"), "weu");
        assert_eq!(code("atlantis"), "atlantis");
    }

    #[test]
    fn a_location_that_is_none_is_refused_with_those_that_are() {
        assert_eq!(required(Some("West US 2"), "T").unwrap(), "West US 2");
        for name in ["", " ", "mars", "west/europe", "wést"] {
            let error = required(Some(name), "Microsoft.Devices/IotHubs").unwrap_err();
            assert_eq!((error.code.status, error.code.name), (400, "LocationNotAvailableForResourceType"), "{name}");
            assert!(error.message.contains("westeurope"), "{}", error.message);
        }
        assert_eq!(required_for_group(Some("mars")).unwrap_err().code.name, "LocationNotAvailableForResourceGroup");
        assert_eq!(required_for_group(None).unwrap_err().code.name, "LocationRequired");
    }

    #[test]
    fn every_location_is_there_once_and_its_pair_too() {
        for location in LOCATIONS {
            assert_eq!(LOCATIONS.iter().filter(|other| other.name == location.name).count(), 1, "{}", location.name);
            assert_eq!(canonical(location.display_name), location.name);
            assert!(location.pair.is_empty() || find(location.pair).is_some(), "{}", location.name);
        }
        assert_eq!(with_pair("westeurope"), ("West Europe".to_owned(), Some("North Europe")));
        assert_eq!(with_pair("polandcentral").1, None);
    }
}
