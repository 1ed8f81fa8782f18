//! The store's database: one suite that every engine must pass, and what is particular to each.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot build its world must fail"
)]

mod cases;
mod findings;
mod killed;
mod pages;
mod postgres;
mod speed;
mod sqlite;
mod world;

/// Names every case of the suite, as a list that the engines run.
macro_rules! cases {
    ($($module:ident::$name:ident),+ $(,)?) => {
        /// Every case of the suite, by name.
        const CASES: &[(&str, world::Case)] =
            &[$((stringify!($name), |world| Box::pin($module::$name(world)))),+];

        /// The suite on SQLite, case by case.
        mod suite {
            $(
                #[test]
                fn $name() {
                    let world = crate::world::World::sqlite();
                    crate::world::block_on(crate::$module::$name(&world));
                }
            )+
        }
    };
}

cases! {
    cases::a_store_is_made_once,
    cases::opening_makes_nothing,
    cases::what_is_not_a_store_is_refused,
    cases::a_newer_format_is_refused,
    cases::what_was_kept_is_read,
    cases::a_row_is_written_over,
    cases::a_refused_command_leaves_nothing_and_hurts_nobody,
    cases::a_command_that_panics_leaves_nothing,
    cases::a_command_that_ignores_an_error_is_undone,
    cases::entries_that_do_not_fit_are_refused,
    cases::two_writers_leave_no_gap,
    cases::a_store_that_is_held_is_not_waited_for_in_vain,
    cases::entries_and_documents_stay_as_they_are,
    cases::a_head_that_disagrees_is_found,
    cases::erased_values_are_gone,
    cases::a_commitment_keeps_its_value,
    findings::findings_are_listed_by_hour_in_their_last_revision,
    findings::deleted_findings_are_gone_from_the_file,
    pages::pages_are_what_sorting_and_filtering_give,
    pages::many_keys_are_loaded_at_once,
}
