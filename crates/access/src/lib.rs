//! May they: roles, assignments and rights turn a caller and an operation into a permit or a denial with its reasons.
