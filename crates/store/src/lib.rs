//! State is memory plus a log: typed tables, transactions, and the engines that keep the log.
