#include <weft/instantiate/tile.inc>
