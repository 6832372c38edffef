#include <weft/instantiate/attention.inc>
