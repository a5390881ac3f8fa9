//! The tiers and what each allows.
//!
//! Source: iot-hub-devguide-quotas-throttling (2023) and the pricing page. Basic tiers have the rates of the standard ones.

use iolite_resources::Hub as HubRecord;

/// For how many seconds' worth a burst is served.
const MINUTE: f64 = 60.0;
const SOME_SECONDS: f64 = 10.0;

/// What is metered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Meter {
    /// Operations of the identity registry.
    Registry,
    /// New connections of devices.
    Connection,
    /// Messages from devices.
    DeviceToCloud,
    /// Messages to devices, as sent.
    CloudToDevice,
    /// Messages to devices, as asked for over HTTPS.
    Receive,
    /// Kilobytes of direct methods.
    Method,
    /// Twins read.
    TwinRead,
    /// Twins written.
    TwinUpdate,
    /// Queries.
    Query,
    /// Operations of jobs.
    Job,
    /// Operations of configurations.
    Configuration,
    /// Uploads begun.
    Upload,
}

/// How fast, and how much at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rates {
    pub(crate) per_second: f64,
    pub(crate) burst: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Size {
    Free,
    One,
    Two,
    Three,
}

/// A hub's tier and units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tier {
    size: Size,
    units: u32,
}

impl Tier {
    /// The tier of `hub`.
    pub(super) fn of(hub: Option<&HubRecord>) -> Self {
        let size = match hub.map(|hub| hub.sku.name.as_str()) {
            Some("F1") => Size::Free,
            Some("S2" | "B2") => Size::Two,
            Some("S3" | "B3") => Size::Three,
            _ => Size::One,
        };
        Self { size, units: hub.map_or(1, |hub| hub.sku.capacity.max(1)) }
    }

    /// How fast `meter` may go.
    pub(super) fn rates(self, meter: Meter) -> Rates {
        let units = f64::from(self.units);
        let by_size = |one: f64, two: f64, three: f64| match self.size {
            Size::Free | Size::One => one,
            Size::Two => two,
            Size::Three => three,
        };
        let a_minute = |rate: f64| Rates { per_second: rate / MINUTE, burst: rate };
        let a_second = |rate: f64| Rates { per_second: rate, burst: rate * SOME_SECONDS };
        match meter {
            Meter::Registry | Meter::CloudToDevice | Meter::Upload | Meter::Job => {
                a_minute(by_size(100.0, 100.0, 5000.0) * units)
            }
            Meter::Receive => a_minute(by_size(1000.0, 1000.0, 50_000.0) * units),
            Meter::Query => a_minute(by_size(20.0, 20.0, 1000.0) * units),
            Meter::Configuration => a_minute(20.0 * units),
            Meter::Connection | Meter::DeviceToCloud => {
                a_second(by_size((12.0 * units).max(100.0), 120.0 * units, 6000.0 * units))
            }
            Meter::Method => a_second(by_size(160.0, 480.0, 24.0 * 1024.0) * units),
            Meter::TwinRead => a_second(by_size(100.0, (10.0 * units).max(100.0), 500.0 * units)),
            Meter::TwinUpdate => a_second(by_size(50.0, (5.0 * units).max(50.0), 250.0 * units)),
        }
    }

    /// How many scheduled jobs may be active at the same time.
    pub(super) const fn active_jobs(self) -> usize {
        match self.size {
            Size::Free | Size::One => 1,
            Size::Two => 5,
            Size::Three => 10,
        }
    }

    /// How many messages a day has.
    pub(super) fn daily_messages(self) -> u64 {
        let units = u64::from(self.units);
        match self.size {
            Size::Free => 8000,
            Size::One => 400_000 * units,
            Size::Two => 6_000_000 * units,
            Size::Three => 300_000_000 * units,
        }
    }

    /// How many bytes count as one message.
    pub(super) const fn message_bytes(self) -> usize {
        match self.size {
            Size::Free => 512,
            _ => 4096,
        }
    }
}

impl Meter {
    /// What is metered, in words.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Registry => "Operations of the identity registry",
            Self::Connection => "New device connections",
            Self::DeviceToCloud => "Device-to-cloud sends",
            Self::CloudToDevice => "Cloud-to-device sends",
            Self::Receive => "Cloud-to-device receives",
            Self::Method => "Kilobytes of direct methods",
            Self::TwinRead => "Twin reads",
            Self::TwinUpdate => "Twin updates",
            Self::Query => "Queries",
            Self::Job => "Job operations",
            Self::Configuration => "Operations of configurations",
            Self::Upload => "File uploads",
        }
    }
}
