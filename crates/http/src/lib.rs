//! HTTP on the wire: requests become operations and credentials, answers and refusals take each service's own shape.
