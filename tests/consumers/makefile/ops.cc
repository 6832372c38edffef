#include <weft/instantiate/ops.inc>
