package io.sluice.recurrent.model;

import java.util.ArrayList;
import java.util.List;

/**
 * A layer with parameters, under the name that tells which layer of another network stands in its
 * place.
 *
 * @param kind which rules it follows
 * @param recurrent its number among the recurrent ones, lowest first; −1 in other kinds
 * @param summary what it is
 * @param from first of its numbers in the network's flat parameters
 */
record NamedLayer(
    String name, Kind kind, int recurrent, ModelSummary.LayerSummary summary, long from) {
  enum Kind {
    EMBEDDING,
    RECURRENT,
    NORMALIZATION,
    ABOVE_RECURRENT,
    HEAD
  }

  /** Those of a network, lowest first. */
  static List<NamedLayer> of(ModelSpec spec) {
    var named = new ArrayList<NamedLayer>();
    List<ModelSummary.LayerSummary> all = ModelSummary.of(spec).layers();
    int below = Networks.layersBelowRecurrent(spec);
    int each = Networks.layersOfRecurrent(spec);
    int above = below + each * spec.hiddenSizes().size();
    long from = 0;
    int dense = 0;
    for (int k = 0; k < all.size(); k++) {
      ModelSummary.LayerSummary summary = all.get(k);
      if (summary.parameters() > 0) {
        Kind kind = kind(k, below, each, above, all.size());
        boolean isOfRecurrent = kind == Kind.RECURRENT || kind == Kind.NORMALIZATION;
        int recurrent = isOfRecurrent ? (k - below) / each : -1;
        String name =
            switch (kind) {
              case EMBEDDING -> "embedding";
              case RECURRENT -> "recurrent-" + recurrent;
              case NORMALIZATION -> "layer-norm-" + recurrent;
              case ABOVE_RECURRENT ->
                  summary.name().equals("dense") ? "dense-" + dense++ : summary.name();
              case HEAD -> "head";
            };
        named.add(new NamedLayer(name, kind, recurrent, summary, from));
      }
      from += summary.parameters();
    }
    return named;
  }

  private static Kind kind(int k, int below, int each, int above, int all) {
    if (k < below) {
      return Kind.EMBEDDING;
    }
    if (k < above) {
      return (k - below) % each == 0 ? Kind.RECURRENT : Kind.NORMALIZATION;
    }
    return k == all - 1 ? Kind.HEAD : Kind.ABOVE_RECURRENT;
  }

  long length() {
    return summary.parameters();
  }

  /** What has to be alike, as a person reads it. */
  String shape() {
    return "%s of %d inputs and %d outputs"
        .formatted(summary.name(), summary.inputs(), summary.outputs());
  }
}
