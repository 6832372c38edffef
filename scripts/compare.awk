# What the measures of compare.sh say. Fields, divided by tabs: row, stage, pair, side (old, new), speed, unit.
#   awk -v risk=0.05 -v tolerance=3 -v ask=suspects -f compare.awk MEASURES     the rows that want another look
#   ... -v ask=markdown|json                                                    the table; exit status 1: one is slower
#   ... -v ask=least_pairs -v rows=N                                            fewest pairs that give intervals
# The names of the sides are in the environment (COMPARE_OLD, COMPARE_NEW); rows of one side only are lines whose second
# field is "only" and whose fourth is that side.
#
# A pair's ratio is new speed / old speed of two runs that followed each other. The estimate of a row is the median of its
# ratios (the geometric mean of the middle two), and its interval lies between two of the sorted ratios: a ratio is above
# the true median or below it like a coin's two sides, whatever the distribution of the noise, so that the interval from
# the k-th smallest to the k-th largest of n misses it with the probability 2 P(Binomial(n, 1/2) < k). Each row may miss with
# `risk` divided by the number of rows: the intervals of a table hold all at once with a probability of 1 - risk.
#
# Rows that look slow are measured again (stage 2), and then only the fresh pairs count: taken for their looks, the first
# ones would be biased.

BEGIN {
  FS = "\t"
  limit = 1 - tolerance / 100
  if (ask == "least_pairs") {
    n = 1
    while (rank(n, risk / rows) == 0) ++n
    print n
    exit
  }
}

$2 == "only" { alone[++alone_count] = $1; alone_side[alone_count] = $4; next }

{
  if (!($1 in stage)) { name[++count] = $1; stage[$1] = 0 }
  if ($2 > stage[$1]) { stage[$1] = $2; pairs[$1] = 0 }
  unit[$1] = $6
  speed[$1, $2, $3, $4] = $5
  if (($1, $2, $3, "old") in speed && ($1, $2, $3, "new") in speed) ++pairs[$1]
}

END {
  if (ask == "least_pairs") exit
  for (i = 1; i <= count; ++i) judge(name[i])
  if (ask == "suspects") suspects()
  else if (ask == "json") json()
  else markdown()
  exit (slower > 0)
}

# The largest k whose interval misses with at most `level`; 0: n pairs are too few for any.
function rank(n, level,    k, probability, sum) {
  probability = 2 ^ -n
  sum = 0
  for (k = 0; k <= n; ++k) {
    sum += probability
    if (2 * sum > level) return k
    probability *= (n - k) / (k + 1)
  }
}

function judge(row,    n, k, p, old, new, ratio) {
  n = pairs[row]
  for (p = 1; p <= n; ++p) {
    old[p] = speed[row, stage[row], p, "old"]
    new[p] = speed[row, stage[row], p, "new"]
    ratio[p] = new[p] / old[p]
  }
  sort(old, n)
  sort(new, n)
  sort(ratio, n)
  old_speed[row] = median(old, n)
  new_speed[row] = median(new, n)
  estimate[row] = median(ratio, n)
  k = rank(n, risk / count)
  low[row] = ratio[k]
  high[row] = ratio[n + 1 - k]
  if (high[row] < limit) { verdict[row] = "slower"; ++slower }
  else if (estimate[row] < limit) { verdict[row] = "unclear"; ++unclear }
  else if (low[row] > 1) verdict[row] = "faster"
  else verdict[row] = "ok"
}

function sort(x, n,    i, j, value) {
  for (i = 2; i <= n; ++i) {
    value = x[i]
    for (j = i - 1; j >= 1 && x[j] > value; --j) x[j + 1] = x[j]
    x[j + 1] = value
  }
}

function median(x, n) { return n % 2 ? x[(n + 1) / 2] : sqrt(x[n / 2] * x[n / 2 + 1]) }

# Half the tolerance: a row that is slower by more than all of it would have to be lucky to look better than that.
function suspects(    i) {
  for (i = 1; i <= count; ++i) if (estimate[name[i]] < 1 - tolerance / 200) print name[i]
  slower = 0
}

function shown(row) { sub(/\/manual_time$/, "", row); return row }

# Three or four digits.
function digits(x) { return sprintf(x < 10 ? "%.2f" : x < 100 ? "%.1f" : "%.0f", x) }

function summary() {
  return sprintf("%d of %d rows slower by more than %s %%", slower, count, tolerance) \
    (unclear ? sprintf("; %d unclear: more --pairs, or a quieter machine, would tell", unclear) : "")
}

function markdown(    i, row, width, line) {
  width = 3
  for (i = 1; i <= count; ++i) if (length(shown(name[i])) > width) width = length(shown(name[i]))
  printf "old: %s\nnew: %s\n\n", ENVIRON["COMPARE_OLD"], ENVIRON["COMPARE_NEW"]
  if (count) {
    line = "| %-" width "s | %8s | %8s | %-8s | %9s | %-15s | %5s | %-7s |\n"
    printf line, "row", "old", "new", "unit", "new / old", "interval", "pairs", "verdict"
    row = sprintf("%" width "s", "")
    gsub(/ /, "-", row)
    printf line, row, "-------:", "-------:", "--------", "--------:", "---------------", "----:", "-------"
  }
  for (i = 1; i <= count; ++i) {
    row = name[i]
    printf line, shown(row), digits(old_speed[row]), digits(new_speed[row]), unit[row], sprintf("%.3f", estimate[row]),
      sprintf("%.3f to %.3f", low[row], high[row]), pairs[row], verdict[row]
  }
  if (count) printf "\n%s. All intervals hold at once with %s %%.\n", summary(), 100 * (1 - risk)
  for (i = 1; i <= alone_count; ++i) printf "%sOnly %s has %s.\n", (i == 1 ? "\n" : ""), alone_side[i], shown(alone[i])
}

function quoted(text) {
  gsub(/["\\]/, "\\\\&", text)
  gsub(/[\001-\037]/, " ", text)
  return "\"" text "\""
}

function json(    i, row) {
  printf "{\n  \"old\": %s,\n  \"new\": %s,\n", quoted(ENVIRON["COMPARE_OLD"]), quoted(ENVIRON["COMPARE_NEW"])
  printf "  \"tolerance_percent\": %s,\n  \"confidence_of_all_intervals\": %s,\n", tolerance + 0, 1 - risk
  printf "  \"slower\": %d,\n  \"unclear\": %d,\n  \"rows\": [", slower, unclear
  for (i = 1; i <= count; ++i) {
    row = name[i]
    printf "%s\n    {\"row\": %s, \"unit\": %s, \"old\": %.6g, \"new\": %.6g, \"ratio\": %.5f, \"low\": %.5f, ",
      (i > 1 ? "," : ""), quoted(shown(row)), quoted(unit[row]), old_speed[row], new_speed[row], estimate[row], low[row]
    printf "\"high\": %.5f, \"pairs\": %d, \"verdict\": %s}", high[row], pairs[row], quoted(verdict[row])
  }
  printf "\n  ],\n  \"only_one_side\": ["
  for (i = 1; i <= alone_count; ++i) {
    printf "%s\n    {\"row\": %s, \"side\": %s}", (i > 1 ? "," : ""), quoted(shown(alone[i])), quoted(alone_side[i])
  }
  printf "%s]\n}\n", (alone_count ? "\n  " : "")
}
