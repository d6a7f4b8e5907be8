package io.sluice.recurrent.model;

import io.sluice.config.ConfigReader;
import io.sluice.recurrent.kernel.CellShape;
import io.sluice.recurrent.optim.FlatFloats;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;

/**
 * Begins a network with the layers of a trained one that fit.
 *
 * <p>From the bottom up a layer is taken if it is the same in both networks, reads what the trained
 * one read, and the layer below it was taken too: above a fresh layer a trained one has nothing
 * that it knows. Parts of a layer are taken where they mean the same:
 *
 * <ul>
 *   <li>rows of an embedding, and outputs of a head over words, by word. A word that the trained
 *       network does not know begins with the mean of its rows, as in ULMFiT. An adaptive softmax
 *       is taken as it is, where vocabulary and clusters are the same.
 *   <li>the forward direction of a recurrent layer, where only one of the networks reads in both
 *       directions; the other direction is fresh.
 * </ul>
 *
 * <p>What regularises a layer (dropout, weight decay) and its precision play no part.
 *
 * <p><b>Source.</b> Dai and Le, "Semi-supervised Sequence Learning", NIPS 2015; Howard and Ruder,
 * "Universal Language Model Fine-tuning for Text Classification", ACL 2018, section 3.
 */
public final class LayerTransfer {

  /**
   * What the numbers at both ends of two networks mean.
   *
   * @param words of each id of the new network's vocabulary the id in the trained one's, −1 for a
   *     word that it does not know; null where inputs are numbers
   * @param inputs why the trained network reads something else than the new one; null if it does
   *     not
   * @param outputs why it predicts something else; null if it does not
   */
  public record Meaning(int[] words, String inputs, String outputs) {}

  /**
   * What becomes of a layer.
   *
   * @param layer its name
   * @param isTaken whether it, or a part of it, begins with what was trained
   * @param text what was taken, or why nothing was
   */
  public record Fate(String layer, boolean isTaken, String text) {
    @Override
    public String toString() {
      return "%s: %s, %s".formatted(layer, isTaken ? "taken" : "fresh", text);
    }
  }

  /** Numbers [from, from + length) of the trained network go to [to, to + length). */
  private record Copy(long from, long to, long length) {}

  private static final String ALL = "all of it";

  private final ModelSpec trained;
  private final ModelSpec fresh;
  private final Meaning meaning;
  private final List<Fate> fates = new ArrayList<>();
  private final List<Copy> copies = new ArrayList<>();

  /**
   * @param trained the network that parameters are taken of
   * @param fresh the one that they are for
   */
  public LayerTransfer(ModelSpec trained, ModelSpec fresh, Meaning meaning) {
    if (fresh.hasEmbedding() != trained.hasEmbedding()
        || fresh.hasEmbedding() != (meaning.words != null)
        || fresh.hasEmbedding() && meaning.words.length != fresh.embedding().words()) {
      throw new IllegalArgumentException(
          "words are %s, with %d and %d words in the networks"
              .formatted(
                  meaning.words == null ? "null" : meaning.words.length + " ids",
                  trained.embedding().words(),
                  fresh.embedding().words()));
    }
    this.trained = trained;
    this.fresh = fresh;
    this.meaning = meaning;
    follow();
  }

  /** Of each layer with parameters, lowest first. */
  public List<Fate> fates() {
    return List.copyOf(fates);
  }

  /** Whether any layer is taken. */
  public boolean takesAny() {
    return fates.stream().anyMatch(Fate::isTaken);
  }

  /**
   * Writes what is taken into a network that was made of the new description.
   *
   * @param from of the trained description, in float32
   */
  public void copy(MultiLayerNetwork from, MultiLayerNetwork to) {
    float[] source = FlatFloats.of(from.params());
    float[] target = FlatFloats.of(to.params());
    for (Copy each : copies) {
      System.arraycopy(source, (int) each.from(), target, (int) each.to, (int) each.length());
    }
    if (fates.get(0).isTaken && meaning.words != null) {
      copyRows(source, target);
    }
    if (headIsByWord()) {
      copyOutputs(source, target);
    }
    FlatFloats.put(target, to.params());
  }

  private void follow() {
    List<NamedLayer> all = NamedLayer.of(fresh);
    List<NamedLayer> theirs = NamedLayer.of(trained);
    boolean goesOn = true;
    for (int k = 0; k < all.size(); k++) {
      NamedLayer layer = all.get(k);
      boolean hasPeer = k < theirs.size() && theirs.get(k).name().equals(layer.name());
      Fate fate =
          !goesOn
              ? new Fate(layer.name(), false, "the layer below it is fresh")
              : hasPeer
                  ? fate(layer, theirs.get(k))
                  : new Fate(
                      layer.name(),
                      false,
                      k < theirs.size()
                          ? "the bundle has %s in its place".formatted(theirs.get(k).name())
                          : "the bundle has none");
      fates.add(fate);
      goesOn = fate.isTaken;
    }
  }

  private Fate fate(NamedLayer layer, NamedLayer theirs) {
    return switch (layer.kind()) {
      case EMBEDDING -> embedding(layer);
      case RECURRENT -> recurrent(layer, theirs);
      case NORMALIZATION -> same(layer, theirs);
      case ABOVE_RECURRENT -> overTime(layer, theirs);
      case HEAD -> head(layer, theirs);
    };
  }

  private Fate embedding(NamedLayer layer) {
    int E = fresh.embedding().size();
    if (trained.embedding().size() != E) {
      return new Fate(
          layer.name(),
          false,
          "its rows have %d numbers, the bundle's %d: set model.embedding-size = %2$d"
              .formatted(E, trained.embedding().size()));
    }
    long known = Arrays.stream(meaning.words).filter(id -> id >= 0).count();
    long others = meaning.words.length - known;
    if (known == 0) {
      return new Fate(layer.name(), false, "the bundle knows none of its words");
    }
    return new Fate(
        layer.name(),
        true,
        "%,d of %,d words%s"
            .formatted(
                known,
                meaning.words.length,
                others == 0 ? "" : "; %,d begin with the mean row".formatted(others)));
  }

  private Fate recurrent(NamedLayer layer, NamedLayer theirs) {
    int l = layer.recurrent();
    if (l == 0 && meaning.inputs != null) {
      return new Fate(layer.name(), false, meaning.inputs);
    }
    if (fresh.cell() != trained.cell()) {
      return new Fate(
          layer.name(),
          false,
          "its cell is %s, the bundle's %s"
              .formatted(fresh.cell().label(), trained.cell().label()));
    }
    CellShape own = shape(fresh, l);
    CellShape other = shape(trained, l);
    if (own.inputSize() != other.inputSize() || own.hiddenSize() != other.hiddenSize()) {
      return new Fate(
          layer.name(),
          false,
          "it has %d inputs and %d units, the bundle's %d and %d"
              .formatted(own.inputSize(), own.hiddenSize(), other.inputSize(), other.hiddenSize()));
    }
    long taken = Math.min(layer.length(), theirs.length());
    copies.add(new Copy(theirs.from(), layer.from(), taken));
    return new Fate(
        layer.name(),
        true,
        fresh.bidirectional() == trained.bidirectional()
            ? ALL
            : fresh.bidirectional()
                ? "its forward direction; the backward one is fresh"
                : "the bundle's forward direction");
  }

  /** Of one direction. */
  private static CellShape shape(ModelSpec spec, int l) {
    int directions = spec.bidirectional() ? 2 : 1;
    return new CellShape(
        spec.cell(),
        l == 0 ? spec.recurrentInputs() : directions * spec.hiddenSizes().get(l - 1),
        spec.hiddenSizes().get(l));
  }

  private Fate same(NamedLayer layer, NamedLayer theirs) {
    if (!layer.shape().equals(theirs.shape())) {
      return new Fate(
          layer.name(),
          false,
          "it is %s, the bundle's %s".formatted(layer.shape(), theirs.shape()));
    }
    copies.add(new Copy(theirs.from(), layer.from(), layer.length()));
    return new Fate(layer.name(), true, ALL);
  }

  /** A layer that reads what becomes of the time steps. */
  private Fate overTime(NamedLayer layer, NamedLayer theirs) {
    return fresh.output() == trained.output()
        ? same(layer, theirs)
        : new Fate(
            layer.name(),
            false,
            "model.output is %s, the bundle's %s"
                .formatted(
                    ConfigReader.kebab(fresh.output()), ConfigReader.kebab(trained.output())));
  }

  private Fate head(NamedLayer layer, NamedLayer theirs) {
    if (headIsOverWords(fresh) && headIsOverWords(trained)) {
      if (isAdaptive(fresh) || isAdaptive(trained)) {
        return adaptiveHead(layer, theirs);
      }
      boolean fits =
          layer.summary().inputs() == theirs.summary().inputs()
              && fresh.embedding().tied() == trained.embedding().tied();
      return fits
          ? new Fate(layer.name(), true, "word by word")
          : new Fate(
              layer.name(),
              false,
              "it is %s, the bundle's %s".formatted(layer.shape(), theirs.shape()));
    }
    return meaning.outputs == null
        ? overTime(layer, theirs)
        : new Fate(layer.name(), false, meaning.outputs);
  }

  /** One of clusters, whose words stay where they are. */
  private Fate adaptiveHead(NamedLayer layer, NamedLayer theirs) {
    if (!Objects.equals(fresh.head().adaptive(), trained.head().adaptive())) {
      return new Fate(
          layer.name(),
          false,
          "its softmax is %s, the bundle's %s".formatted(softmax(fresh), softmax(trained)));
    }
    boolean sameWords =
        meaning.words.length == trained.embedding().words()
            && IntStream.range(0, meaning.words.length).allMatch(id -> meaning.words[id] == id);
    return sameWords
        ? same(layer, theirs)
        : new Fate(
            layer.name(),
            false,
            "the clusters of an adaptive softmax are taken for the same vocabulary only");
  }

  private static boolean isAdaptive(ModelSpec spec) {
    return spec.head().adaptive() != null;
  }

  private static String softmax(ModelSpec spec) {
    return isAdaptive(spec)
        ? "adaptive with clusters from %s, divided by %d"
            .formatted(spec.head().adaptive().cutoffs(), spec.head().adaptive().divide())
        : "full";
  }

  private static boolean headIsOverWords(ModelSpec spec) {
    return spec.hasEmbedding()
        && spec.head().kind() == Head.Kind.CLASSES
        && spec.output() == ModelSpec.Output.SEQUENCE
        && spec.head().outputs() == spec.embedding().words();
  }

  private boolean headIsByWord() {
    return headIsOverWords(fresh) && !isAdaptive(fresh) && fates.get(fates.size() - 1).isTaken;
  }

  private void copyRows(float[] source, float[] target) {
    int E = fresh.embedding().size();
    float[] mean = mean(source, 0, trained.embedding().words(), E);
    for (int word = 0; word < meaning.words.length; word++) {
      int theirs = meaning.words[word];
      if (theirs >= 0) {
        System.arraycopy(source, theirs * E, target, word * E, E);
      } else {
        System.arraycopy(mean, 0, target, word * E, E);
      }
    }
  }

  /** Weights (V, N) in memory unless they are the embedding's rows, then biases (V). */
  private void copyOutputs(float[] source, float[] target) {
    NamedLayer own = last(NamedLayer.of(fresh));
    NamedLayer theirs = last(NamedLayer.of(trained));
    int from = (int) theirs.from();
    int to = (int) own.from();
    int knownWords = trained.embedding().words();
    if (!fresh.embedding().tied()) {
      int N = own.summary().inputs();
      float[] mean = mean(source, from, knownWords, N);
      for (int word = 0; word < meaning.words.length; word++) {
        int id = meaning.words[word];
        System.arraycopy(
            id < 0 ? mean : source, id < 0 ? 0 : from + id * N, target, to + word * N, N);
      }
      from += knownWords * N;
      to += meaning.words.length * N;
    }
    float meanBias = mean(source, from, knownWords, 1)[0];
    for (int word = 0; word < meaning.words.length; word++) {
      int id = meaning.words[word];
      target[to + word] = id < 0 ? meanBias : source[from + id];
    }
  }

  private static NamedLayer last(List<NamedLayer> layers) {
    return layers.get(layers.size() - 1);
  }

  /** Of rows of n numbers; the sums are in float64. */
  private static float[] mean(float[] source, int from, int rows, int n) {
    double[] sum = new double[n];
    for (int row = 0; row < rows; row++) {
      for (int j = 0; j < n; j++) {
        sum[j] += source[from + row * n + j];
      }
    }
    float[] mean = new float[n];
    for (int j = 0; j < n; j++) {
      mean[j] = (float) (sum[j] / rows);
    }
    return mean;
  }
}
