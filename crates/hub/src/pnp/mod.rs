//! Plug and Play digital twins of devices (not the Azure Digital Twins service): a device's twin by properties and
//! components, and its direct methods as commands.
//!
//! Source: IoT Hub data plane 2021-04-12; concepts-digital-twin and howto-manage-digital-twin (2023). A component is an object
//! of the twin that says so with `"__t": "c"`. The hub knows no models: it names the one that the device announced.

mod call;
pub(crate) mod change;
pub mod get;
pub mod invoke_component;
pub mod invoke_root;
mod names;
mod patch;
mod place;
pub mod update;
mod view;
