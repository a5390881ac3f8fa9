//! What exists: the subscriptions, groups, hubs, provisioning services and twins instances, with their keys and switches.
