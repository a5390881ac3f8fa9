//! What an operation is: its names, its place on the wire and what a caller needs for it.
//!
//! Each operation of each service is one constant in one file; the router, the authorization table, `iolite roles`, the
//! explanations and the coverage documents are derived from these constants, so a permission is written once.

use std::fmt;

use serde::Serialize;

use crate::Right;

/// The emulated service an operation belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Service {
    /// IoT Hub, service and device APIs.
    Hub,
    /// The Device Provisioning Service, service and device APIs.
    Dps,
    /// Azure Digital Twins.
    Twins,
    /// Azure Resource Manager.
    Arm,
    /// The Entra ID issuer.
    Entra,
    /// The managed-identity endpoints.
    ManagedIdentity,
}

impl Service {
    /// The name a person reads.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Hub => "IoT Hub",
            Self::Dps => "Device Provisioning Service",
            Self::Twins => "Azure Digital Twins",
            Self::Arm => "Azure Resource Manager",
            Self::Entra => "Microsoft Entra ID",
            Self::ManagedIdentity => "managed identity endpoint",
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.title())
    }
}

/// A REST method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// GET
    Get,
    /// HEAD
    Head,
    /// PUT
    Put,
    /// POST
    Post,
    /// PATCH
    Patch,
    /// DELETE
    Delete,
}

impl Method {
    /// The method as it stands on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Put => "PUT",
            Self::Post => "POST",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// The method named `name`, in the wire's upper case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Get, Self::Head, Self::Put, Self::Post, Self::Patch, Self::Delete]
            .into_iter()
            .find(|method| method.name() == name)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// Which api-versions an operation answers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiVersions {
    /// `api-version` must be given and be one of these.
    Listed(&'static [&'static str]),
    /// `api-version` must be given; any well-formed date is taken (ARM, whose clients move on faster than an emulator).
    AnyDate,
    /// The operation has no `api-version`.
    Unversioned,
}

/// What a caller needs. There is no "nothing": an open operation must say that it is public, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Open to anyone.
    Public {
        /// Why nothing is asked for.
        because: &'static str,
    },
    /// A service API: an Entra token with every one of `actions` as data actions, or a SAS policy with every one of
    /// `rights`. Where `rights` is empty, SAS is not accepted at all (Digital Twins).
    DataPlane {
        /// The RBAC data actions, all of them.
        actions: &'static [&'static str],
        /// The SAS rights, all of them.
        rights: &'static [Right],
    },
    /// A control-plane operation: an Entra token with this control action.
    Management {
        /// The RBAC action.
        action: &'static str,
    },
    /// A device's or module's own API: its own key, its certificate, or a policy with `DeviceConnect`. Never Entra.
    OwnDevice {
        /// The path parameter that names the device.
        device: &'static str,
        /// The path parameter that names the module, where the operation is a module's.
        module: Option<&'static str>,
    },
    /// A device registering itself at DPS: attestation, judged by the enrolment that fits. Never Entra.
    OwnRegistration,
    /// Any valid Entra token of the tenant, without a role (listing one's subscriptions).
    SignedIn,
}

impl Need {
    /// The RBAC actions an Entra caller needs, data or control.
    #[must_use]
    pub const fn actions(&self) -> &[&'static str] {
        match self {
            Self::DataPlane { actions, .. } => actions,
            Self::Management { action } => std::slice::from_ref(action),
            Self::Public { .. } | Self::OwnDevice { .. } | Self::OwnRegistration | Self::SignedIn => &[],
        }
    }

    /// The rights a SAS policy needs.
    #[must_use]
    pub const fn rights(&self) -> &'static [Right] {
        match self {
            Self::DataPlane { rights, .. } => rights,
            _ => &[],
        }
    }
}

/// Whether an operation is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Support {
    /// It is served.
    Served,
    /// It is known and refused by name, with this reason.
    Refused(&'static str),
}

/// One operation of one service.
#[derive(Debug, Clone, Copy)]
pub struct Operation {
    /// The service it belongs to.
    pub service: Service,
    /// The service's own operation name (`Devices_GetIdentity`).
    pub name: &'static str,
    /// The REST method.
    pub method: Method,
    /// The REST path with `{parameters}`; compared without case in its fixed segments.
    pub path: &'static str,
    /// The api-versions it answers to.
    pub versions: ApiVersions,
    /// What a caller needs.
    pub need: Need,
    /// Whether it is built.
    pub support: Support,
    /// What it does, in one sentence.
    pub summary: &'static str,
}

impl fmt::Display for Operation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({} {})", self.name, self.method, self.path)
    }
}
