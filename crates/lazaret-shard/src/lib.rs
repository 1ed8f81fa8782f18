//! Reads shards of data sets as facts about records, and writes them again without what is held.
//!
//! A [`ShardReader`] gives a shard in [`Chunk`]s. Each has two sides: [`Facts`], an Arrow batch with the same columns
//! whatever the format, and [`Rows`], the rows as they stood, which a [`ShardWriter`] of the same format takes again.
//! What a row's columns mean is said by a [`Profile`]. A row that cannot be read is a record too: its facts name the
//! [`Fault`], so that nothing is left out of the account.
//!
//! Nothing here knows a tool or a policy.

mod chunk;
mod codec;
mod columnar;
mod dolma;
mod error;
mod facts;
mod fit;
mod format;
mod json_lines;
mod layout;
mod open;
mod places;
mod present;
mod profile;
mod text;
mod web_dataset;

pub use chunk::{
    Chunk, Entry, EntryText, Fate, Limits, Line, LineRecord, Lines, LongLine, NotKept, Rows, ShardReader,
    ShardWriter, Written,
};
pub use columnar::is_guarded;
pub use dolma::{AttributeReader, AttributeWriter, Attributes, Judged, attributes_path};
pub use error::ShardError;
pub use facts::{BESIDE_SEPARATOR, Facts, FactsBuilder, FactsError, Fault, Record};
pub use fit::{fitting, misfit};
pub use format::{Codec, Format};
pub use layout::{Declaration, Layout, LayoutError, LayoutKind, Shard};
pub use open::{Opened, Template, create, open};
pub use places::{Fetched, IfThere, Listed, Listing, Pending, Place, PlaceError, ShardName};
pub use profile::{BUILT_IN, Column, ColumnError, Columns, Profile, ProfileError, Several, Step};
pub use text::{create_text, open_text};
