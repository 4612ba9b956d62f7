// The whole public API: include this one, or the headers that are needed.
//
//   error.h result.h log.h version.h    what goes wrong, what is said
//   spans.h tokenizer.h chat.h          text: messages to prompts, ids to text
//   model.h session.h                   weights and one timeline of tokens
//   sampling.h generate.h               the decode loop
//
// Objects are values or handles. Model and Tokenizer may be shared by threads;
// a Session, a ChatParser or a DecodeStream has one owner. What ends an
// operation throws hadal::Error.
#pragma once

#include "hadal/chat.h"
#include "hadal/error.h"
#include "hadal/generate.h"
#include "hadal/log.h"
#include "hadal/model.h"
#include "hadal/result.h"
#include "hadal/sampling.h"
#include "hadal/session.h"
#include "hadal/spans.h"
#include "hadal/tokenizer.h"
#include "hadal/version.h"
