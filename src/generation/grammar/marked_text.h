// Raw text of DSML parameters: everything up to "</" and the marker.
#pragma once

#include "generation/grammar/text_automaton.h"

namespace hadal {

// Texts in which no reader finds the beginning of a closing tag, in any
// spelling (text/output_tags.h): no "</" and a bar or DSML behind it.
const TextAutomaton& text_without_marks();

// `text` followed by "</" and kMarkerCharacter, as one automaton that needs no
// look-ahead. An edge counts the characters that are certain to be text from
// then on, so that a limit of length holds: "<" may still begin the mark.
// `text` is within text_without_marks().
TextAutomaton with_end_mark(const TextAutomaton& text);

}  // namespace hadal
