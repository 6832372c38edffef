// Packed tokens, for tiles of every size that a target has.
#include <algorithm>
#include <string>
#include <vector>

#include "tests/kernels/guarded.h"
#include "tests/kernels/random.h"
#include "tests/kernels/targets.h"
#include "weft/core/kernel_set.h"
#include "weft/scalar/activations.h"
#include "weft/weft.h"

namespace weft::test {
namespace {

class PackTokensTest : public KernelTest {};
WEFT_TEST_ON_TARGETS(PackTokensTest);

// The bytes of token t's element i (of 4 bytes) in an activation form of floats, of pairs of bf16, or of codes.
uint32_t ElementOf(const ActivationView& x, size_t t, size_t i) {
  const size_t bytes = IsQuantized(x.form) ? 1 : x.form == ActivationForm::kBF16 ? 2 : 4;
  uint32_t element = 0;
  memcpy(&element, static_cast<const uint8_t*>(x.values) + t * x.value_stride * bytes + 4 * i, 4);
  return element;
}

// Elements of all tokens side by side, the last token repeated; the first bytes of what is packed in every layout.
// Nothing is written beyond the end, where a page lies that cannot be touched.
TEST_P(PackTokensTest, TokensLieSideBySide) {
  const KernelSet& set = ActiveKernels();
  Random random(1);
  for (size_t i = 0; i < set.tile_count; ++i) {
    const TileKernels& tile = set.tiles[i];
    const bool quantized = IsQuantized(tile.panel.form);
    const std::vector<size_t> widths =
        quantized ? std::vector<size_t>{256} : std::vector<size_t>{1, 2, 3, 4, 5, 13, 76};
    for (size_t cols : widths) {
      const std::vector<float> values = random.Normals(tile.tokens * cols);
      const Guarded<float> x(values);
      scalar::OwnedActivations form;
      scalar::BuildForm(tile.panel.form, x.data(), tile.tokens, cols, cols, form);
      const size_t span = tile.integer_scales ? 256 : GroupOf(tile.panel.form);  // codes that follow each other
      const size_t elements = quantized ? span / 4 : tile.panel.form == ActivationForm::kBF16 ? (cols + 1) / 2 : cols;
      for (size_t padded = tile.token_step; padded <= tile.tokens; padded += tile.token_step) {
        for (size_t count = padded - tile.token_step + 1; count <= padded; ++count) {
          SCOPED_TRACE("layout " + std::to_string(i) + ", columns: " + std::to_string(cols) +
                       ", tokens: " + std::to_string(count) + " of " + std::to_string(padded));
          const size_t first = tile.tokens - count;
          Guarded<uint8_t> packed(padded * tile.token_bytes(cols));
          tile.pack_tokens(PackTokensTask{{form.view, nullptr, first, count}, 0, cols, padded, 0, packed.data()});
          std::vector<uint32_t> expected, actual(elements * padded);
          for (size_t e = 0; e < elements; ++e) {
            for (size_t t = 0; t < padded; ++t) {
              expected.push_back(ElementOf(form.view, first + std::min(t, count - 1), e));
            }
          }
          ASSERT_GE(packed.bytes(), 4 * actual.size());
          memcpy(actual.data(), packed.data(), 4 * actual.size());
          ASSERT_EQ(actual, expected);
        }
      }
    }
  }
}

}  // namespace
}  // namespace weft::test
