//! From method and path to the operation, out of the operations' own constants.
//!
//! Fixed segments compare without case (Digital Twins hands out links with capitals, ARM's clients disagree on case),
//! and `{*scope}` at the start of a path stands for any number of segments. No routing library does both, so this is our
//! own: a handful of patterns per segment count, compared one after the other.

use std::borrow::Cow;

use iolite_kernel::{Method, Operation, Params, SmolStr};
use smallvec::SmallVec;

/// The operations of one service, ready to be found.
pub struct Router {
    /// Those without a scope, by how many segments they have.
    whole: Vec<Vec<Pattern>>,
    /// Those that a scope stands before.
    scoped: Vec<Pattern>,
}

struct Pattern {
    /// Whether `{*scope}` stands before the segments.
    scope: Option<&'static str>,
    segments: Vec<Segment>,
    rows: SmallVec<[(Method, usize); 4]>,
}

enum Segment {
    Fixed(&'static str),
    Parameter(&'static str),
}

/// What a path led to.
pub enum Route {
    /// An operation: its place in the table, and its path parameters.
    Found {
        /// The index that the router was given it under.
        index: usize,
        /// The parameters, in the order of the path.
        params: Params,
    },
    /// The path is known by other methods.
    OtherMethods(Vec<Method>),
    /// The path is unknown.
    Unknown,
}

impl Router {
    /// A router over `operations`; each is found again by its index.
    #[must_use]
    pub fn new(operations: &[&'static Operation]) -> Self {
        let mut patterns: Vec<(&'static str, Pattern)> = Vec::new();
        for (index, operation) in operations.iter().enumerate() {
            let known = patterns.iter_mut().find(|(path, _)| path.eq_ignore_ascii_case(operation.path));
            match known {
                Some((_, pattern)) => pattern.rows.push((operation.method, index)),
                None => patterns.push((operation.path, Pattern::new(operation, index))),
            }
        }
        let mut patterns: Vec<Pattern> = patterns.into_iter().map(|(_, pattern)| pattern).collect();
        patterns.sort_by_key(Pattern::parameters);
        let (scoped, rest): (Vec<Pattern>, Vec<Pattern>) =
            patterns.into_iter().partition(|pattern| pattern.scope.is_some());
        let longest = rest.iter().map(|pattern| pattern.segments.len()).max().unwrap_or_default();
        let mut whole: Vec<Vec<Pattern>> = (0..=longest).map(|_| Vec::new()).collect();
        for pattern in rest {
            whole[pattern.segments.len()].push(pattern);
        }
        Self { whole, scoped }
    }

    /// Where `method` on these decoded `segments` leads.
    #[must_use]
    pub fn find(&self, method: Option<Method>, segments: &[Cow<'_, str>]) -> Route {
        let mut others = Vec::new();
        for pattern in self.whole.get(segments.len()).into_iter().flatten().chain(&self.scoped) {
            if !pattern.matches(segments) {
                continue;
            }
            match pattern.rows.iter().find(|(known, _)| Some(*known) == method) {
                Some((_, index)) => return Route::Found { index: *index, params: pattern.params(segments) },
                None => others.extend(pattern.rows.iter().map(|(known, _)| *known)),
            }
        }
        if others.is_empty() { Route::Unknown } else { Route::OtherMethods(others) }
    }
}

impl Pattern {
    fn new(operation: &'static Operation, index: usize) -> Self {
        let mut scope = None;
        let mut segments = Vec::new();
        for text in operation.path.split('/').filter(|text| !text.is_empty()) {
            match text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
                Some(name) if name.starts_with('*') => scope = Some(&name[1..]),
                Some(name) => segments.push(Segment::Parameter(name)),
                None => segments.push(Segment::Fixed(text)),
            }
        }
        Self { scope, segments, rows: SmallVec::from_iter([(operation.method, index)]) }
    }

    /// Patterns with more fixed segments are tried first.
    fn parameters(&self) -> usize {
        self.segments.iter().filter(|segment| matches!(segment, Segment::Parameter(_))).count()
    }

    fn matches(&self, segments: &[Cow<'_, str>]) -> bool {
        let Some(before) = segments.len().checked_sub(self.segments.len()) else { return false };
        let fits = self.segments.iter().zip(&segments[before..]).all(|(segment, text)| match segment {
            Segment::Fixed(fixed) => fixed.eq_ignore_ascii_case(text),
            Segment::Parameter(_) => !text.is_empty(),
        });
        fits && (before == 0 || self.scope.is_some())
    }

    /// The parameters in `segments`, which match.
    fn params(&self, segments: &[Cow<'_, str>]) -> Params {
        let (before, tail) = segments.split_at(segments.len() - self.segments.len());
        let mut params = Params::new();
        if let Some(name) = self.scope {
            params.push((name, format!("/{}", before.join("/")).into()));
        }
        for (segment, text) in self.segments.iter().zip(tail) {
            if let Segment::Parameter(name) = segment {
                params.push((*name, SmolStr::new(text)));
            }
        }
        params
    }
}

#[cfg(test)]
mod tests {
    use iolite_kernel::{ApiVersions, Need, Service, Support};

    use super::*;

    const fn operation(method: Method, path: &'static str) -> Operation {
        Operation {
            service: Service::Hub,
            name: path,
            method,
            path,
            versions: ApiVersions::Unversioned,
            need: Need::Public { because: "test" },
            support: Support::Served,
            summary: "",
        }
    }

    static DEVICE: Operation = operation(Method::Get, "/devices/{id}");
    static QUERY: Operation = operation(Method::Post, "/devices/query");
    static PUT: Operation = operation(Method::Put, "/devices/{id}");
    static ROLES: Operation =
        operation(Method::Get, "/{*scope}/providers/Microsoft.Authorization/roleAssignments/{name}");

    fn find(method: Method, path: &str) -> Route {
        let segments = crate::path::segments(path).unwrap();
        Router::new(&[&DEVICE, &QUERY, &PUT, &ROLES]).find(Some(method), &segments)
    }

    fn found(route: Route) -> (usize, Vec<(&'static str, SmolStr)>) {
        match route {
            Route::Found { index, params } => (index, params.into_vec()),
            Route::OtherMethods(_) | Route::Unknown => (usize::MAX, Vec::new()),
        }
    }

    #[test]
    fn a_fixed_segment_goes_before_a_parameter() {
        assert_eq!(found(find(Method::Post, "/devices/query")), (1, vec![]));
        assert_eq!(found(find(Method::Get, "/devices/query")), (0, vec![("id", "query".into())]));
    }

    #[test]
    fn fixed_segments_compare_without_case_and_parameters_keep_theirs() {
        assert_eq!(found(find(Method::Get, "/Devices/Dev%201")), (0, vec![("id", "Dev 1".into())]));
    }

    #[test]
    fn a_scope_stands_for_any_number_of_segments() {
        let (index, params) = found(find(
            Method::Get,
            "/subscriptions/s/resourceGroups/g/providers/microsoft.authorization/roleassignments/x",
        ));
        assert_eq!(index, 3);
        assert_eq!(params, vec![("scope", "/subscriptions/s/resourceGroups/g".into()), ("name", "x".into())]);
        assert_eq!(found(find(Method::Get, "/providers/Microsoft.Authorization/roleAssignments/x")).1[0].1, "/");
    }

    #[test]
    fn a_known_path_tells_its_methods() {
        assert!(
            matches!(find(Method::Delete, "/devices/a"), Route::OtherMethods(methods) if methods == [Method::Get, Method::Put])
        );
        assert!(matches!(find(Method::Get, "/nowhere"), Route::Unknown));
        assert!(matches!(find(Method::Get, "/devices/"), Route::Unknown));
    }
}
