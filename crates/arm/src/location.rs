//! Azure's locations: how their names compare, and the short codes that Digital Twins host names carry.
//!
//! The list is that of the regions where IoT Hub, DPS and Digital Twins are sold together; any other name is taken too,
//! since an emulator has no regions of its own.

use iolite_kernel::{ResourceId, ServiceError};

use crate::errors::{BAD_REQUEST, INVALID_RESOURCE_LOCATION, LOCATION_REQUIRED};

/// A location: its name, the name shown to people, and the code in Digital Twins host names.
pub(crate) struct Location {
    /// `westeurope`
    pub(crate) name: &'static str,
    /// `West Europe`
    pub(crate) display_name: &'static str,
    /// `weu`
    pub(crate) code: &'static str,
}

/// The locations that `az account list-locations` shows.
pub(crate) const LOCATIONS: &[Location] = &[
    Location { name: "australiaeast", display_name: "Australia East", code: "eau" },
    Location { name: "eastus", display_name: "East US", code: "eus" },
    Location { name: "eastus2", display_name: "East US 2", code: "eus2" },
    Location { name: "japaneast", display_name: "Japan East", code: "jpe" },
    Location { name: "koreacentral", display_name: "Korea Central", code: "krc" },
    Location { name: "northeurope", display_name: "North Europe", code: "neu" },
    Location { name: "southcentralus", display_name: "South Central US", code: "scus" },
    Location { name: "southeastasia", display_name: "Southeast Asia", code: "sea" },
    Location { name: "uksouth", display_name: "UK South", code: "uks" },
    Location { name: "westcentralus", display_name: "West Central US", code: "wcus" },
    Location { name: "westeurope", display_name: "West Europe", code: "weu" },
    Location { name: "westus2", display_name: "West US 2", code: "wus2" },
    Location { name: "westus3", display_name: "West US 3", code: "wus3" },
];

/// The form in which two names of one location are equal: `West Europe` is `westeurope`.
pub(crate) fn canonical(name: &str) -> String {
    name.chars().filter(|letter| !letter.is_whitespace()).collect::<String>().to_ascii_lowercase()
}

/// The code of a location in host names; an unknown location stands for itself.
pub(crate) fn code(name: &str) -> String {
    let name = canonical(name);
    LOCATIONS.iter().find(|location| location.name == name).map_or(name, |location| location.code.to_owned())
}

/// The location of a new resource, which its body must have.
pub(crate) fn required(given: Option<&str>) -> Result<&str, ServiceError> {
    match given {
        Some(name) if is_name(name) => Ok(name),
        Some(name) => Err(ServiceError::new(&BAD_REQUEST, format!("'{name}' cannot be a location."))),
        None => Err(ServiceError::new(&LOCATION_REQUIRED, "The location property is required for this resource.")),
    }
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

/// Whether a name can be a location's.
fn is_name(name: &str) -> bool {
    let canonical = canonical(name);
    !canonical.is_empty() && canonical.len() <= 64 && canonical.bytes().all(|byte| byte.is_ascii_alphanumeric())
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
    fn what_cannot_be_a_host_name_is_no_location() {
        assert!(is_name("westus2"));
        for name in ["", " ", "west/europe", "wést"] {
            assert!(!is_name(name), "{name}");
        }
    }
}
