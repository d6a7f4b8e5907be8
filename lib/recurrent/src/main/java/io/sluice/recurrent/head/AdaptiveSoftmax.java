package io.sluice.recurrent.head;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A softmax over words in two steps, which costs rare words less: the frequent ones have a logit
 * each, the others one a cluster, and within a cluster a softmax of their own over fewer inputs.
 *
 * <pre>{@code
 * p(w) = p(w | head)                          w < n₀, the shortlist
 * p(w) = p(cluster c | head) · p(w | c)       nᶜ ≤ w < nᶜ⁺¹
 * p(· | head) = softmax(W·h + b)              W (n₀ + C, H)
 * p(· | c)    = softmax(Wᶜ·Pᶜ·h)              Pᶜ (Hᶜ, H), Wᶜ (nᶜ⁺¹ − nᶜ, Hᶜ), Hᶜ = ⌊H / divideᶜ⌋, c = 1, 2, …
 * }</pre>
 *
 * <p>The probabilities of all words sum to 1. Ids have to be in the order of their counts, largest
 * first, as a vocabulary's are: then few rows of a batch reach a cluster, and only these compute
 * its products.
 *
 * <p><b>Source.</b> Grave, Joulin, Cissé, Grangier and Jégou, "Efficient softmax approximation for
 * GPUs", ICML 2017, sections 3 and 4. Parameters are those of PyTorch's {@code
 * AdaptiveLogSoftmaxWithLoss} (with {@code head_bias}).
 *
 * @param cutoffs n₀ < n₁ < …, the first id of each cluster
 * @param divide what the inputs of each cluster are divided by, compared with the one before
 */
public record AdaptiveSoftmax(List<Integer> cutoffs, int divide) implements Serializable {
  /** Longest shortlist chosen by {@link #of}: a fifth of the words, up to these. */
  static final int LONGEST_SHORTLIST = 20_000;

  /** How many times as far each cluster chosen by {@link #of} reaches as the one before. */
  private static final int GROWTH = 4;

  public AdaptiveSoftmax {
    cutoffs = List.copyOf(cutoffs);
    if (cutoffs.isEmpty()) {
      throw new IllegalArgumentException("cutoffs are [], must be at least one");
    }
    if (!ascend(cutoffs)) {
      throw new IllegalArgumentException(
          "cutoffs are %s, must ascend from at least 1".formatted(cutoffs));
    }
    if (divide < 1) {
      throw new IllegalArgumentException("divide is %d, must be at least 1".formatted(divide));
    }
  }

  /** Whether they can be cutoffs of some vocabulary. */
  public static boolean ascend(List<Integer> cutoffs) {
    int before = 0;
    for (int cutoff : cutoffs) {
      if (cutoff <= before) {
        return false;
      }
      before = cutoff;
    }
    return true;
  }

  /**
   * Cutoffs for a vocabulary: a shortlist of a fifth of it, at most 20,000 words, then clusters
   * that each reach four times as far as what is before them, as long as they have an input.
   *
   * @param V words, at least 2
   * @param H inputs
   */
  public static AdaptiveSoftmax of(int V, int H, int divide) {
    var cutoffs = new ArrayList<Integer>();
    long inputs = H / divide;
    for (long cutoff = Math.max(1, Math.min(V / 5, LONGEST_SHORTLIST));
        cutoff < V && (cutoffs.isEmpty() || inputs >= 1);
        cutoff *= GROWTH) {
      cutoffs.add(Math.toIntExact(cutoff));
      inputs /= divide;
    }
    return new AdaptiveSoftmax(cutoffs, divide);
  }

  /** What keeps it from being the softmax of V words over H inputs, and which of its parts. */
  public Optional<String> problem(int V, int H) {
    int last = cutoffs.get(cutoffs.size() - 1);
    if (last >= V) {
      return Optional.of(
          "cutoffs: must be below the %d words, but the last is %d".formatted(V, last));
    }
    for (int c = 1; c <= cutoffs.size(); c++) {
      if (inputs(H, c) < 1) {
        return Optional.of(
            "divide: must leave each cluster at least 1 of the %d inputs, but cluster %d has %d / %d^%d; lower it, or have fewer cutoffs"
                .formatted(H, c, H, divide, c));
      }
    }
    return Optional.empty();
  }

  /** Hᶜ of cluster c = 1, 2, … */
  int inputs(int H, int cluster) {
    long inputs = H;
    for (int c = 0; c < cluster; c++) {
      inputs /= divide;
    }
    return Math.toIntExact(inputs);
  }

  /** Words of cluster c = 1, 2, … */
  int words(int V, int cluster) {
    int end = cluster == cutoffs.size() ? V : cutoffs.get(cluster);
    return end - cutoffs.get(cluster - 1);
  }

  /** Numbers of all weights, and of the head's bias. */
  public long parameters(int V, int H) {
    return AdaptiveShape.of(this, V, H, true).parameters().stream()
        .mapToLong(HeadParameter::length)
        .sum();
  }

  /**
   * Weights that the row of one word meets, on average where words occur as often as Zipf's law
   * says: a word of rank w has the probability 1 / (w · ln V).
   */
  public double weightsMet(int V, int H) {
    double met = (double) H * (cutoffs.get(0) + cutoffs.size());
    for (int c = 1; c <= cutoffs.size(); c++) {
      int first = cutoffs.get(c - 1);
      double share = Math.log((first + words(V, c)) / (double) first) / Math.log(V);
      met += share * inputs(H, c) * (H + (double) words(V, c));
    }
    return met;
  }
}
