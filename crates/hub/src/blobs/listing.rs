//! The XML of a listing of blobs, read for the few elements that are needed.
//!
//! Source: Microsoft's page "List Blobs". The document comes from a configured blob service and is bounded by its reader; a text
//! that is not such a listing gives no blobs.

use super::ListedBlob;

/// One page of a listing.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ListingPage {
    pub(super) blobs: Vec<ListedBlob>,
    /// Where the next page begins.
    pub(super) next: Option<String>,
}

pub(super) fn read(xml: &str) -> ListingPage {
    let mut page = ListingPage::default();
    let mut rest = xml;
    while let Some((blob, after)) = element(rest, "Blob") {
        if let Some((name, _)) = element(blob, "Name") {
            let length = element(blob, "Content-Length").and_then(|(text, _)| text.trim().parse().ok());
            page.blobs.push(ListedBlob { name: plain(name), length: length.unwrap_or_default() });
        }
        rest = after;
    }
    page.next = element(rest, "NextMarker").map(|(text, _)| plain(text)).filter(|marker| !marker.is_empty());
    page
}

/// The content of the first element named `name`, and what comes after it.
pub(super) fn element<'a>(xml: &'a str, name: &str) -> Option<(&'a str, &'a str)> {
    let (_, content) = xml.split_once(&format!("<{name}>"))?;
    content.split_once(&format!("</{name}>"))
}

/// Text without XML's five escapes; the ampersand comes last, so that nothing is read twice.
fn plain(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lengths_and_the_next_marker_are_read() {
        let xml = "<?xml version=\"1.0\"?><EnumerationResults><Blobs>\
                   <Blob><Name>a&amp;lt;.txt</Name><Properties><Content-Length>7</Content-Length></Properties></Blob>\
                   <Blob><Name>b</Name><Properties/></Blob></Blobs><NextMarker>m 2</NextMarker></EnumerationResults>";
        let page = read(xml);
        assert_eq!(page.blobs[0], ListedBlob { name: "a&lt;.txt".to_owned(), length: 7 });
        assert_eq!((page.blobs.len(), page.next.as_deref()), (2, Some("m 2")));
    }

    #[test]
    fn what_is_no_listing_has_no_blobs() {
        for text in ["", "<Blob><Name>", "</Blob><Blob>", "<NextMarker></NextMarker>", "<NextMarker/>"] {
            assert_eq!(read(text), ListingPage::default(), "{text}");
        }
    }
}
