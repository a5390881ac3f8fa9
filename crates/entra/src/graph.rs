//! The slice of Microsoft Graph that `az role assignment create --assignee` asks: who goes by a name, and what an object
//! id is.
//!
//! Source: `azure-cli`'s graph client and its role module; Microsoft Graph v1.0 reference for the shapes.

mod filter;
pub mod get_by_ids;
pub mod list_service_principals;
pub mod list_users;
mod object;
