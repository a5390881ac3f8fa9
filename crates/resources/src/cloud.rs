//! Which Azure is emulated: the names that differ from cloud to cloud.
//!
//! The hub's China audience is from the access-control page of that cloud; the others of China are not documented and
//! follow its pattern (see docs/quirks.md).

use iolite_kernel::Service;
use serde::{Deserialize, Serialize};

/// An Azure cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cloud {
    /// The public cloud.
    #[default]
    Public,
    /// Azure operated in China.
    China,
}

/// The application id under which Digital Twins is registered in Entra; accepted as an audience besides its URI.
const DIGITAL_TWINS_APPLICATION: &str = "0b07f429-9f4b-4714-9392-cc5e8e80c8b0";

/// The application id of Microsoft Graph, an audience besides its address as well.
const GRAPH_APPLICATION: &str = "00000003-0000-0000-c000-000000000000";

impl Cloud {
    /// The `aud` values that tokens for `service` may carry, the documented resource first. Empty where the service
    /// takes no Entra token.
    #[must_use]
    pub const fn audiences(self, service: Service) -> &'static [&'static str] {
        match (self, service) {
            (Self::Public, Service::Hub) => &["https://iothubs.azure.net"],
            (Self::China, Service::Hub) => &["https://iothubs.chinacloudapi.cn"],
            (Self::Public, Service::Dps) => &["https://azure-devices-provisioning.net"],
            (Self::China, Service::Dps) => &["https://azure-devices-provisioning.cn"],
            (Self::Public, Service::Twins) => &["https://digitaltwins.azure.net", DIGITAL_TWINS_APPLICATION],
            (Self::China, Service::Twins) => &["https://digitaltwins.azure.cn", DIGITAL_TWINS_APPLICATION],
            (Self::Public, Service::Arm) => &["https://management.azure.com", "https://management.core.windows.net"],
            (Self::China, Service::Arm) => {
                &["https://management.chinacloudapi.cn", "https://management.core.chinacloudapi.cn"]
            }
            // The issuer's own one protected door: its slice of Microsoft Graph.
            (Self::Public, Service::Entra) => &["https://graph.microsoft.com", GRAPH_APPLICATION],
            (Self::China, Service::Entra) => &["https://microsoftgraph.chinacloudapi.cn", GRAPH_APPLICATION],
            (_, Service::ManagedIdentity) => &[],
        }
    }

    /// The suffix of hub host names.
    #[must_use]
    pub const fn hub_suffix(self) -> &'static str {
        match self {
            Self::Public => "azure-devices.net",
            Self::China => "azure-devices.cn",
        }
    }

    /// The suffix of provisioning service host names.
    #[must_use]
    pub const fn provisioning_suffix(self) -> &'static str {
        match self {
            Self::Public => "azure-devices-provisioning.net",
            Self::China => "azure-devices-provisioning.cn",
        }
    }

    /// The suffix of Digital Twins host names, after the location.
    #[must_use]
    pub const fn twins_suffix(self) -> &'static str {
        match self {
            Self::Public => "digitaltwins.azure.net",
            Self::China => "digitaltwins.azure.cn",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_china_hub_has_its_own_audience() {
        assert_eq!(Cloud::China.audiences(Service::Hub), ["https://iothubs.chinacloudapi.cn"]);
        assert_eq!(Cloud::Public.audiences(Service::Hub), ["https://iothubs.azure.net"]);
    }
}
