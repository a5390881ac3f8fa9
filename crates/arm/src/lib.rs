//! The slice of Azure Resource Manager that the services stand on, itself behind RBAC.
