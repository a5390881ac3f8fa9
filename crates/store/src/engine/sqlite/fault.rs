//! What went wrong below the SQLite engine: damage, or an error of the system.
//!
//! Used inside the engine, which passes it on as an [`EngineError`] or, at the start, as an [`OpenError`].

use std::io;
use std::path::Path;

use rusqlite::{Error, ErrorCode};

use super::schema::FORMAT;
use crate::OpenError;
use crate::directory::refused;
use crate::engine::EngineError;

#[derive(Debug)]
pub(super) enum Fault {
    Corrupt { position: String, what: String },
    NewerFormat { found: u64 },
    Sqlite(Error),
}

impl Fault {
    pub(super) fn corrupt(position: impl Into<String>, what: impl Into<String>) -> Self {
        Self::Corrupt { position: position.into(), what: what.into() }
    }

    /// As an answer to the person who starts the process.
    pub(super) fn at_start(self, database: &Path) -> OpenError {
        match self {
            Self::Corrupt { position, what } => OpenError::Corrupt { file: database.to_owned(), position, what },
            Self::NewerFormat { found } => {
                OpenError::NewerFormat { file: database.to_owned(), found, known: FORMAT.cast_unsigned() }
            }
            Self::Sqlite(error) => match error.sqlite_error_code() {
                Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                    OpenError::InUse { directory: database.parent().unwrap_or(database).to_owned() }
                }
                code => refused(database, io::Error::new(kind(code), error)),
            },
        }
    }
}

/// What SQLite calls damage is damage; so is a column that does not hold what it should.
impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let is_damage = match &error {
            Error::SqliteFailure(failure, _) => {
                matches!(failure.code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::Unknown)
            }
            Error::SqlInputError { .. }
            | Error::FromSqlConversionFailure(..)
            | Error::InvalidColumnType(..)
            | Error::IntegralValueOutOfRange(..)
            | Error::Utf8Error(..)
            | Error::QueryReturnedNoRows => true,
            _ => false,
        };
        if is_damage { Self::corrupt("the database", error.to_string()) } else { Self::Sqlite(error) }
    }
}

impl From<Fault> for EngineError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Corrupt { position, what } => Self::Corrupt { position, what },
            Fault::NewerFormat { found } => Self::Io(format!("format {found} is newer than {FORMAT}").into()),
            Fault::Sqlite(error) => Self::Io(error.into()),
        }
    }
}

fn kind(code: Option<ErrorCode>) -> io::ErrorKind {
    match code {
        Some(ErrorCode::DiskFull) => io::ErrorKind::StorageFull,
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::AuthorizationForStatementDenied) => {
            io::ErrorKind::PermissionDenied
        }
        _ => io::ErrorKind::Other,
    }
}
