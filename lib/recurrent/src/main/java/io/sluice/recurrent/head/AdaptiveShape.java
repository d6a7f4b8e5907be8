package io.sluice.recurrent.head;

import java.util.ArrayList;
import java.util.List;

/**
 * An {@link AdaptiveSoftmax} of one vocabulary: which ids and numbers belong where. Clusters count
 * from 0 here.
 *
 * <p><b>Parameters</b>, in the flat array in this order, row-major:
 *
 * <pre>
 * W        (n₀ + C, H)    of the shortlist and, below it, of the clusters
 * b        (n₀ + C)       only where there is a bias
 * then for each cluster
 * P1, P2 … (Hᶜ, H)        from the inputs to the cluster's
 * W1, W2 … (words, Hᶜ)    of its words
 * </pre>
 *
 * @param V words
 * @param H inputs
 * @param begins first id of each cluster, and behind them V
 * @param inputs of each cluster
 */
record AdaptiveShape(int V, int H, boolean hasBias, int[] begins, int[] inputs) {
  /**
   * @param softmax that has no {@link AdaptiveSoftmax#problem} with it
   */
  static AdaptiveShape of(AdaptiveSoftmax softmax, int V, int H, boolean hasBias) {
    int C = softmax.cutoffs().size();
    int[] begins = new int[C + 1];
    int[] inputs = new int[C];
    for (int c = 0; c < C; c++) {
      begins[c] = softmax.cutoffs().get(c);
      inputs[c] = softmax.inputs(H, c + 1);
    }
    begins[C] = V;
    return new AdaptiveShape(V, H, hasBias, begins, inputs);
  }

  /** C. */
  int clusters() {
    return inputs.length;
  }

  /** n₀. */
  int shortlist() {
    return begins[0];
  }

  /** n₀ + C. */
  int headClasses() {
    return shortlist() + clusters();
  }

  int words(int cluster) {
    return begins[cluster + 1] - begins[cluster];
  }

  /** The cluster of an id; −1 for one of the shortlist. */
  int cluster(int id) {
    int cluster = clusters() - 1;
    while (cluster >= 0 && id < begins[cluster]) {
      cluster--;
    }
    return cluster;
  }

  /** The class of an id in the head; a negative id stays. */
  int headClass(int id) {
    int cluster = cluster(id);
    return cluster < 0 ? id : shortlist() + cluster;
  }

  List<HeadParameter> parameters() {
    var parameters = new ArrayList<HeadParameter>();
    parameters.add(HeadParameter.weight("W", headClasses(), H));
    if (hasBias) {
      parameters.add(HeadParameter.bias("b", headClasses()));
    }
    for (int c = 0; c < clusters(); c++) {
      parameters.add(HeadParameter.weight("P" + (c + 1), inputs[c], H));
      parameters.add(HeadParameter.weight("W" + (c + 1), words(c), inputs[c]));
    }
    return parameters;
  }

  /** Numbers of W and b. */
  long headNumbers() {
    return (long) headClasses() * (H + (hasBias ? 1 : 0));
  }

  /** Where Pᶜ begins in the flat array. */
  long projection(int cluster) {
    long at = headNumbers();
    for (int c = 0; c < cluster; c++) {
      at += (long) inputs[c] * (H + words(c));
    }
    return at;
  }

  /** Where Wᶜ begins in the flat array. */
  long weights(int cluster) {
    return projection(cluster) + (long) inputs[cluster] * H;
  }
}
