//! Operations that call a direct method of a device or module.

pub(crate) mod call;
pub mod invoke_device;
pub mod invoke_module;
