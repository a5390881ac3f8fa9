//! The SQL dialects' common core: lexer, parser with spans, and evaluation over JSON documents.
