//! The JSON-LD context of Croissant descriptions: what each word in them stands for.

use serde::Serialize;
use serde::ser::{SerializeMap as _, Serializer};

/// The context that the specification's own library writes for version 1.1, and PROV-O.
pub(super) struct Context;

/// A term of the context: what it stands for, and how its values are read.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Term {
    Name(&'static str),
    Typed {
        #[serde(rename = "@id")]
        id: &'static str,
        #[serde(rename = "@type")]
        kind: &'static str,
    },
    Contained {
        #[serde(rename = "@container")]
        container: &'static str,
    },
}

pub(super) const TERMS: [(&str, Term); 42] = [
    ("@language", Term::Name("en")),
    ("@vocab", Term::Name("https://schema.org/")),
    ("arrayShape", Term::Name("cr:arrayShape")),
    ("citeAs", Term::Name("cr:citeAs")),
    ("column", Term::Name("cr:column")),
    ("conformsTo", Term::Name("dct:conformsTo")),
    ("containedIn", Term::Name("cr:containedIn")),
    ("cr", Term::Name("http://mlcommons.org/croissant/")),
    ("data", Term::Typed { id: "cr:data", kind: "@json" }),
    ("dataType", Term::Typed { id: "cr:dataType", kind: "@vocab" }),
    ("dct", Term::Name("http://purl.org/dc/terms/")),
    ("description", Term::Contained { container: "@language" }),
    ("equivalentProperty", Term::Name("cr:equivalentProperty")),
    ("examples", Term::Typed { id: "cr:examples", kind: "@json" }),
    ("extract", Term::Name("cr:extract")),
    ("field", Term::Name("cr:field")),
    ("fileObject", Term::Name("cr:fileObject")),
    ("fileProperty", Term::Name("cr:fileProperty")),
    ("fileSet", Term::Name("cr:fileSet")),
    ("format", Term::Name("cr:format")),
    ("includes", Term::Name("cr:includes")),
    ("isArray", Term::Name("cr:isArray")),
    ("isLiveDataset", Term::Name("cr:isLiveDataset")),
    ("jsonPath", Term::Name("cr:jsonPath")),
    ("key", Term::Name("cr:key")),
    ("md5", Term::Name("cr:md5")),
    ("name", Term::Contained { container: "@language" }),
    ("parentField", Term::Name("cr:parentField")),
    ("path", Term::Name("cr:path")),
    ("prov", Term::Name("http://www.w3.org/ns/prov#")),
    ("rai", Term::Name("http://mlcommons.org/croissant/RAI/")),
    ("recordSet", Term::Name("cr:recordSet")),
    ("references", Term::Name("cr:references")),
    ("regex", Term::Name("cr:regex")),
    ("repeated", Term::Name("cr:repeated")),
    ("replace", Term::Name("cr:replace")),
    ("samplingRate", Term::Name("cr:samplingRate")),
    ("sc", Term::Name("https://schema.org/")),
    ("separator", Term::Name("cr:separator")),
    ("source", Term::Name("cr:source")),
    ("subField", Term::Name("cr:subField")),
    ("transform", Term::Name("cr:transform")),
];

impl Serialize for Context {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(TERMS.len()))?;
        for (name, term) in &TERMS {
            map.serialize_entry(name, term)?;
        }
        map.end()
    }
}
