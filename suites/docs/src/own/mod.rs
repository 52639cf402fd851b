//! Programs of the cookbook with the events of the framework itself: as short as its documentation
//! has them, and doing the same.

pub(crate) mod a_chat;
pub(crate) mod a_stream_for_each_user;
pub(crate) mod in_poem;
pub(crate) mod in_salvo;
pub(crate) mod layers_of_tower_http;
pub(crate) mod mixed_events;
pub(crate) mod progress_of_a_job;
pub(crate) mod relaying_a_language_model;
mod testing_a_handler_in_axum;
pub(crate) mod the_tail_of_a_file;
pub(crate) mod typed_events_shared_with_typescript;
