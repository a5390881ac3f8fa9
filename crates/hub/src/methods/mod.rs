//! Operations that call a direct method of a device or module.

mod call;
pub mod invoke_device;
pub mod invoke_module;
