//! The managed identity endpoints, plain HTTP on the control port: the instance metadata service of virtual machines and
//! the one of App Service. Both hand out tokens to whoever may talk to them; that is their nature in Azure too.

pub mod app_service;
pub mod imds;
mod selection;
