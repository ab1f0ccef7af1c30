/** A share 0-1 in words, as mnist_core.words.percent. */
function percent(share) {
  const value = 100 * share;
  if (value > 99.9) return ">99.9 %";
  if (value < 0.1) return "<0.1 %";
  return `${value.toFixed(value >= 99 || value < 1 ? 1 : 0)} %`;
}
