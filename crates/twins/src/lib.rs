//! Azure Digital Twins, a first slice: models and twins behind Entra and RBAC.
