//! What a client may subscribe to. The filters are fixed: the wildcard at their end stands for what the hub puts there.

use super::Branch;

/// A filter of the hub's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Filter {
    /// `{branch}/messages/devicebound/#`: cloud-to-device messages.
    DeviceBound,
    /// `{branch}/inputs/#`: messages for a module's inputs.
    Inputs,
    /// `{branch}/#`: everything of a module's branch.
    Module,
    /// `$iothub/twin/res/#`: answers to twin requests.
    TwinAnswers,
    /// `$iothub/twin/PATCH/properties/desired/#`: changes of desired properties.
    Desired,
    /// `$iothub/methods/POST/#`: direct methods.
    Methods,
}

impl Filter {
    /// Every filter, in the order of their bits.
    pub(crate) const ALL: [Self; 6] =
        [Self::DeviceBound, Self::Inputs, Self::Module, Self::TwinAnswers, Self::Desired, Self::Methods];

    /// Its bit in what a session leaves behind; never to be given to another filter, since it is stored.
    pub(crate) const fn bit(self) -> u8 {
        match self {
            Self::DeviceBound => 1,
            Self::Inputs => 1 << 1,
            Self::Module => 1 << 2,
            Self::TwinAnswers => 1 << 3,
            Self::Desired => 1 << 4,
            Self::Methods => 1 << 5,
        }
    }

    /// Whether cloud-to-device messages come by it.
    pub(crate) const fn brings_messages(self) -> bool {
        matches!(self, Self::DeviceBound | Self::Inputs | Self::Module)
    }

    /// Reads a filter that the identity of `branch` subscribes to, and the branch as it spells it; `None` where there is
    /// no such filter for it.
    pub(crate) fn read<'a>(filter: &'a str, branch: &Branch) -> Option<(Self, &'a str)> {
        match filter {
            "$iothub/twin/res/#" => return Some((Self::TwinAnswers, "")),
            "$iothub/twin/PATCH/properties/desired/#" => return Some((Self::Desired, "")),
            "$iothub/methods/POST/#" => return Some((Self::Methods, "")),
            _ => {}
        }
        let (spelled, rest) = branch.strip(filter)?;
        match (rest, branch.module_id()) {
            ("/messages/devicebound/#", _) => Some((Self::DeviceBound, spelled)),
            ("/inputs/#", Some(_)) => Some((Self::Inputs, spelled)),
            ("/#", Some(_)) => Some((Self::Module, spelled)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hubs_filters_are_known() {
        let (device, module) = (Branch::new("d", None), Branch::new("d", Some("m")));
        for (filter, expected) in [
            ("devices/d/messages/devicebound/#", Filter::DeviceBound),
            ("$iothub/twin/res/#", Filter::TwinAnswers),
            ("$iothub/twin/PATCH/properties/desired/#", Filter::Desired),
            ("$iothub/methods/POST/#", Filter::Methods),
        ] {
            assert_eq!(Filter::read(filter, &device).map(|(filter, _)| filter), Some(expected), "{filter}");
        }
        assert_eq!(Filter::read("devices/d/modules/m/#", &module), Some((Filter::Module, "devices/d/modules/m")));
        assert_eq!(
            Filter::read("devices/d/modules/m/inputs/#", &module),
            Some((Filter::Inputs, "devices/d/modules/m"))
        );
    }

    #[test]
    fn another_devices_branch_and_free_filters_are_refused() {
        let device = Branch::new("d", None);
        for filter in [
            "#",
            "+/+",
            "devices/#",
            "devices/d/#",
            "devices/+/messages/devicebound/#",
            "devices/e/messages/devicebound/#",
            "devices/d/modules/m/#",
            "devices/d/messages/events/#",
            "$iothub/#",
            "$iothub/streams/POST/#",
            "$dps/registrations/res/#",
        ] {
            assert_eq!(Filter::read(filter, &device), None, "{filter}");
        }
    }
}
