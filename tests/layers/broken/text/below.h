// Included by a folder above, which is not allowed.
#pragma once
