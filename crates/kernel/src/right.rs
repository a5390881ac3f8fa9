//! The rights a shared access policy carries.
//!
//! IoT Hub has five built-in policies over four rights, DPS has six rights of its own; one name, `DeviceConnect`, is in
//! both. Source: `AccessRights` and `AccessRightsDescription` of the two ARM specifications.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One right of a shared access policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(u16)]
pub enum Right {
    /// IoT Hub: read device and module identities.
    RegistryRead = 1,
    /// IoT Hub: change device and module identities; includes reading them.
    RegistryWrite = 2,
    /// IoT Hub: the service side of twins, methods, messages and jobs.
    ServiceConnect = 4,
    /// IoT Hub and DPS: act as a device.
    DeviceConnect = 8,
    /// DPS: read and change the service's configuration.
    ServiceConfig = 16,
    /// DPS: read enrolments.
    EnrollmentRead = 32,
    /// DPS: change enrolments; includes reading them.
    EnrollmentWrite = 64,
    /// DPS: read registration states.
    RegistrationStatusRead = 128,
    /// DPS: delete registration states; includes reading them.
    RegistrationStatusWrite = 256,
}

impl Right {
    /// Every right, in the order the services print them.
    pub const ALL: [Self; 9] = [
        Self::RegistryRead,
        Self::RegistryWrite,
        Self::ServiceConnect,
        Self::ServiceConfig,
        Self::DeviceConnect,
        Self::EnrollmentRead,
        Self::EnrollmentWrite,
        Self::RegistrationStatusRead,
        Self::RegistrationStatusWrite,
    ];

    /// The service's own name for the right.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RegistryRead => "RegistryRead",
            Self::RegistryWrite => "RegistryWrite",
            Self::ServiceConnect => "ServiceConnect",
            Self::DeviceConnect => "DeviceConnect",
            Self::ServiceConfig => "ServiceConfig",
            Self::EnrollmentRead => "EnrollmentRead",
            Self::EnrollmentWrite => "EnrollmentWrite",
            Self::RegistrationStatusRead => "RegistrationStatusRead",
            Self::RegistrationStatusWrite => "RegistrationStatusWrite",
        }
    }

    /// The right itself and those it brings along.
    const fn closure(self) -> u16 {
        match self {
            Self::RegistryWrite => Self::RegistryWrite as u16 | Self::RegistryRead as u16,
            // DPS's owner policy has all permissions by the documents and is printed as `ServiceConfig, DeviceConnect,
            // EnrollmentWrite` by ARM: what is not printed there, this one brings along.
            Self::EnrollmentWrite => {
                Self::EnrollmentWrite as u16 | Self::EnrollmentRead as u16 | Self::RegistrationStatusWrite.closure()
            }
            Self::RegistrationStatusWrite => Self::RegistrationStatusWrite as u16 | Self::RegistrationStatusRead as u16,
            other => other as u16,
        }
    }
}

impl fmt::Display for Right {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// A set of rights; writing rights include the reading ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Rights(u16);

/// A name that is no right of either service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownRight(pub String);

impl fmt::Display for UnknownRight {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "`{}` is not a right of a shared access policy; known are ", self.0)?;
        for (index, right) in Right::ALL.iter().enumerate() {
            write!(formatter, "{}{right}", if index == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

impl std::error::Error for UnknownRight {}

impl Rights {
    /// The set of `rights` with what they include.
    #[must_use]
    pub const fn of(rights: &[Right]) -> Self {
        let mut bits = 0;
        let mut index = 0;
        while index < rights.len() {
            bits |= rights[index].closure();
            index += 1;
        }
        Self(bits)
    }

    /// Whether `right` is in the set.
    #[must_use]
    pub const fn contains(self, right: Right) -> bool {
        self.0 & right as u16 != 0
    }

    /// Whether every one of `rights` is in the set.
    #[must_use]
    pub fn contains_all(self, rights: &[Right]) -> bool {
        rights.iter().all(|right| self.contains(*right))
    }
}

/// Prints as ARM does: a right that another one includes is left out.
impl fmt::Display for Rights {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let implied = |right: Right| match right {
            Right::RegistryRead => self.contains(Right::RegistryWrite),
            Right::EnrollmentRead | Right::RegistrationStatusWrite => self.contains(Right::EnrollmentWrite),
            Right::RegistrationStatusRead => self.contains(Right::RegistrationStatusWrite),
            _ => false,
        };
        let mut first = true;
        for right in Right::ALL {
            if self.contains(right) && !implied(right) {
                write!(formatter, "{}{right}", if first { "" } else { ", " })?;
                first = false;
            }
        }
        Ok(())
    }
}

impl FromStr for Rights {
    type Err = UnknownRight;

    /// Reads a comma-separated list; case and spaces do not matter.
    fn from_str(text: &str) -> Result<Self, UnknownRight> {
        let mut rights = Vec::new();
        for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let right = Right::ALL.into_iter().find(|right| right.name().eq_ignore_ascii_case(name));
            rights.push(right.ok_or_else(|| UnknownRight(name.to_owned()))?);
        }
        Ok(Self::of(&rights))
    }
}

impl From<Rights> for String {
    fn from(rights: Rights) -> Self {
        rights.to_string()
    }
}

impl TryFrom<String> for Rights {
    type Error = UnknownRight;

    fn try_from(text: String) -> Result<Self, UnknownRight> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writing_the_registry_includes_reading_it() {
        let rights: Rights = "RegistryWrite".parse().unwrap();
        assert!(rights.contains(Right::RegistryRead));
        assert!(!rights.contains(Right::ServiceConnect));
    }

    #[test]
    fn rights_print_as_arm_prints_them() {
        let owner: Rights = "RegistryRead, RegistryWrite, ServiceConnect, DeviceConnect".parse().unwrap();
        assert_eq!(owner.to_string(), "RegistryWrite, ServiceConnect, DeviceConnect");
        let dps: Rights = "EnrollmentWrite,DeviceConnect,ServiceConfig".parse().unwrap();
        assert_eq!(dps.to_string(), "ServiceConfig, DeviceConnect, EnrollmentWrite");
    }

    #[test]
    fn the_rights_of_a_provisioning_owner_as_arm_prints_them_are_all_that_dps_has() {
        let owner: Rights = "ServiceConfig, DeviceConnect, EnrollmentWrite".parse().unwrap();
        assert!(owner.contains_all(&[
            Right::EnrollmentRead,
            Right::RegistrationStatusRead,
            Right::RegistrationStatusWrite
        ]));
        assert_eq!(owner.to_string(), "ServiceConfig, DeviceConnect, EnrollmentWrite");
        let reader: Rights = "EnrollmentRead, RegistrationStatusWrite".parse().unwrap();
        assert_eq!(reader.to_string(), "EnrollmentRead, RegistrationStatusWrite");
        assert!(!reader.contains(Right::EnrollmentWrite));
    }

    #[test]
    fn a_misspelt_right_is_named() {
        assert_eq!("RegistryRead, Regstry".parse::<Rights>(), Err(UnknownRight("Regstry".to_owned())));
    }
}
