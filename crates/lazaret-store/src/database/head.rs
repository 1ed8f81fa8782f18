//! How far the ledger has come: its size, the right edge of its tree, and the time of its last entry.

use jiff::Timestamp;
use lazaret_core::Digest;
use lazaret_seal::Frontier;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row as _};

use super::error::DatabaseError;
use super::row::timestamp;
use super::url::StoreUrl;

/// How far the ledger has come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// The right edge of the Merkle tree over all entries; its size is the number of the next one.
    pub frontier: Frontier,
    /// The time of the last entry, to the microsecond.
    pub last_time: Option<Timestamp>,
}

impl Head {
    /// Returns how many entries there are.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// Reads columns `size`, `peaks` and `last_time`, from the first on.
    pub(super) fn read(row: &AnyRow, url: &StoreUrl) -> Result<Self, DatabaseError> {
        let columns = || {
            let size: i64 = row.try_get(0)?;
            let peaks: Vec<u8> = row.try_get(1)?;
            let last_time: Option<i64> = row.try_get(2)?;
            Ok((size, peaks, last_time.map(timestamp).transpose()?))
        };
        let (size, peaks, last_time) = columns().map_err(url.error("read its head"))?;
        let damaged = || DatabaseError::Damaged { store: url.clone(), what: "its head is no Merkle tree" };
        let size = u64::try_from(size).map_err(|_negative| damaged())?;
        let (peaks, []) = peaks.as_chunks::<32>() else { return Err(damaged()) };
        let peaks = peaks.iter().copied().map(Digest::from_bytes).collect();
        let frontier = Frontier::resume(size, peaks).map_err(|_peaks| damaged())?;
        Ok(Self { frontier, last_time })
    }

    pub(super) async fn write(
        &self,
        connection: &mut AnyConnection,
        url: &StoreUrl,
    ) -> Result<(), DatabaseError> {
        let peaks: Vec<u8> = self.frontier.peaks().iter().flat_map(|peak| *peak.as_bytes()).collect();
        let query = sqlx::query("UPDATE head SET size = $1, peaks = $2, last_time = $3 WHERE id = 1")
            .bind(self.size().cast_signed())
            .bind(peaks)
            .bind(self.last_time.map(Timestamp::as_microsecond));
        query.execute(connection).await.map(drop).map_err(url.error("write its head"))
    }
}
