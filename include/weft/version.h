// The one place that states weft's version; the build system reads it from here.
#ifndef WEFT_VERSION_H_
#define WEFT_VERSION_H_

#include "weft/core/config.h"

#define WEFT_VERSION_MAJOR 0
#define WEFT_VERSION_MINOR 1
#define WEFT_VERSION_PATCH 0

#endif  // WEFT_VERSION_H_
