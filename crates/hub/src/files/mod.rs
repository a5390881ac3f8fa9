//! File upload: a device asks where to put a file, puts it into the hub's storage account itself, and reports.
//!
//! The hub hands out a signature for one blob and keeps the open upload until it is reported or its time is over. The bytes
//! never pass here.

pub mod create_sas_uri;
mod notification;
mod report;
mod settings;
pub mod update_status;
pub mod update_status_by_correlation;
mod upload;

pub use upload::Upload;
