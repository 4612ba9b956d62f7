// Breaks the order of the layers on purpose: the check must find it.
#pragma once

#include "text/below.h"
