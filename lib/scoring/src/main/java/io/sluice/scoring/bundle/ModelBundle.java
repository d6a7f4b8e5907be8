package io.sluice.scoring.bundle;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.config.InvalidConfigException;
import io.sluice.failure.InvalidInputException;
import io.sluice.recurrent.model.Head;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.model.ModelSummary;
import io.sluice.recurrent.model.Networks;
import io.sluice.scoring.bundle.BundleManifest.FileEntry;
import io.sluice.sequences.dataset.WindowContract;
import io.sluice.sequences.lake.Lake;
import io.sluice.sequences.text.dataset.TextManifest;
import io.sluice.sequences.text.encoding.TextContract;
import io.sluice.sequences.text.encoding.TextEncoder;
import io.sluice.sequences.text.encoding.Vocabulary;
import java.io.ByteArrayInputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.util.ModelSerializer;

/**
 * A published model, opened: the network, the contract of its windows, and where it came from.
 *
 * <p>Opening reads every file once, checks size and SHA-256 against the manifest, and only then
 * hands those same bytes to DL4J, whose readers must not see anything untrusted. The hashes guard
 * against damage and against a file that was swapped; who may write the registry at all is the file
 * system's business, and {@link #hash()} names exactly what was opened.
 *
 * <p>An open bundle may be shared between threads; each thread asks for its own predictor.
 */
public final class ModelBundle {
  /** The network as JSON and its parameters as numbers: what {@link BundlePublisher} writes. */
  private static final Set<String> PLAIN_ENTRIES =
      Set.of(ModelSerializer.CONFIGURATION_JSON, ModelSerializer.COEFFICIENTS_BIN);

  private final String uri;
  private final BundleManifest manifest;
  private final String hash;
  private final MultiLayerNetwork network;

  /** Of a model of texts; else null. */
  private final Vocabulary vocabulary;

  /** Of a model of subwords; else null. */
  private final String tokenizerJson;

  private ModelBundle(
      String uri,
      BundleManifest manifest,
      String hash,
      MultiLayerNetwork network,
      Vocabulary vocabulary,
      String tokenizerJson) {
    this.uri = uri;
    this.manifest = manifest;
    this.hash = hash;
    this.network = network;
    this.vocabulary = vocabulary;
    this.tokenizerJson = tokenizerJson;
  }

  /**
   * Opens the folder at a Hadoop URI.
   *
   * @throws InvalidInputException if there is no bundle, its format is another one, or a file is
   *     missing, damaged or not the one that was published
   */
  public static ModelBundle open(String uri, Configuration hadoop) {
    Path folder = new Path(uri);
    try {
      FileSystem files = Lake.of(hadoop).fileSystem(uri);
      byte[] json = readManifest(files, folder);
      BundleManifest manifest =
          BundleJson.read(json, new Path(folder, BundleManifest.FILE_NAME).toString());
      var contents = new HashMap<String, byte[]>();
      for (Map.Entry<String, FileEntry> entry : manifest.files().entrySet()) {
        String name = entry.getKey();
        contents.put(name, readVerified(files, folder, name, entry.getValue()));
      }
      requireListed(folder, contents, BundleManifest.MODEL_FILE);
      requireAgreement(folder, manifest);
      Vocabulary vocabulary =
          manifest.text() == null ? null : vocabulary(folder, manifest, contents);
      return new ModelBundle(
          uri,
          manifest,
          Sha256.of(json),
          restore(folder, manifest, contents.get(BundleManifest.MODEL_FILE)),
          vocabulary,
          text(contents.get(TextManifest.TOKENIZER_FILE_NAME)));
    } catch (IOException e) {
      throw Lake.readFailure("model bundle", uri, e);
    }
  }

  private static byte[] readManifest(FileSystem files, Path folder) throws IOException {
    try {
      return read(files, new Path(folder, BundleManifest.FILE_NAME));
    } catch (FileNotFoundException e) {
      if (files.exists(new Path(folder, BundleManifest.FILE_NAME))) {
        throw e; // Java reports an unreadable local file as one that was not found
      }
      throw new InvalidInputException(
          "No model bundle at %s: it has no %s. Give a folder <registry>/<name>/<version>, or run train first."
              .formatted(folder, BundleManifest.FILE_NAME),
          e);
    }
  }

  private static byte[] readVerified(FileSystem files, Path folder, String name, FileEntry expected)
      throws IOException {
    if (name.contains("/") || name.startsWith(".")) {
      throw new InvalidInputException(
          "Model bundle %s lists a file outside itself: \"%s\". Restore the bundle from a copy, or train again."
              .formatted(folder, name));
    }
    byte[] content;
    try {
      content = read(files, new Path(folder, name));
    } catch (FileNotFoundException e) {
      throw new InvalidInputException(
          "Model bundle %s lacks %s, which its manifest lists. Restore the bundle from a copy, or train again."
              .formatted(folder, name),
          e);
    }
    String found = Sha256.of(content);
    if (content.length != expected.bytes() || !found.equals(expected.sha256())) {
      throw new InvalidInputException(
          "Model bundle %s: %s is damaged or was changed: %d bytes with SHA-256 %s, but %d bytes with %s were published. Restore the bundle from a copy, or train again."
              .formatted(folder, name, content.length, found, expected.bytes(), expected.sha256()));
    }
    return content;
  }

  private static byte[] read(FileSystem files, Path path) throws IOException {
    try (InputStream in = files.open(path)) {
      return in.readAllBytes();
    }
  }

  private static void requireListed(Path folder, Map<String, byte[]> contents, String name) {
    if (!contents.containsKey(name)) {
      throw new InvalidInputException(
          "Model bundle %s does not list %s in its manifest. Restore the bundle from a copy, or train again."
              .formatted(folder, name));
    }
  }

  /** The vocabulary, which must be the one of the contract. */
  private static Vocabulary vocabulary(
      Path folder, BundleManifest manifest, Map<String, byte[]> contents) {
    requireListed(folder, contents, Vocabulary.FILE_NAME);
    BundleManifest.TextContents text = manifest.text();
    Vocabulary vocabulary =
        Vocabulary.parse(
            text(contents.get(Vocabulary.FILE_NAME)),
            text.special(),
            new Path(folder, Vocabulary.FILE_NAME).toString(),
            "Restore the bundle from a copy, or train again.");
    try {
      new TextEncoder(
              text.contract(), vocabulary, text(contents.get(TextManifest.TOKENIZER_FILE_NAME)))
          .close();
    } catch (InvalidInputException e) {
      throw contradiction(folder, e);
    }
    return vocabulary;
  }

  private static String text(byte[] content) {
    return content == null ? null : new String(content, StandardCharsets.UTF_8);
  }

  /** What the network is and what a window or a text is are two parts of the manifest. */
  private static void requireAgreement(Path folder, BundleManifest manifest) {
    try {
      if (manifest.text() == null) {
        new BatchArrays(manifest.contract(), manifest.spec());
      } else if (manifest.text().contract().layout() == TextContract.Layout.STREAM) {
        new StreamArrays(manifest.text().contract(), manifest.spec());
      } else {
        new DocumentArrays(manifest.text().contract(), manifest.spec());
      }
    } catch (InvalidInputException e) {
      throw contradiction(folder, e);
    }
  }

  private static InvalidInputException contradiction(Path folder, InvalidInputException reason) {
    return new InvalidInputException(
        "Model bundle %s contradicts itself. %s".formatted(folder, reason.getMessage()), reason);
  }

  private static MultiLayerNetwork restore(Path folder, BundleManifest manifest, byte[] zip)
      throws IOException {
    requireParametersOnly(folder, zip);
    MultiLayerNetwork network =
        ModelSerializer.restoreMultiLayerNetwork(new ByteArrayInputStream(zip), false);
    long described = ModelSummary.of(manifest.spec()).parameters();
    if (network.numParams() != described) {
      throw new InvalidInputException(
          "Model bundle %s: the network has %,d parameters, its manifest describes %,d. Restore the bundle from a copy, or train again."
              .formatted(folder, network.numParams(), described));
    }
    return Networks.upToDate(manifest.spec(), network);
  }

  /**
   * DL4J deserialises Java objects from some entries of a model's zip: only plain ones get there.
   */
  private static void requireParametersOnly(Path folder, byte[] zip) throws IOException {
    try (var entries = new ZipInputStream(new ByteArrayInputStream(zip))) {
      for (ZipEntry entry = entries.getNextEntry(); entry != null; entry = entries.getNextEntry()) {
        if (!PLAIN_ENTRIES.contains(entry.getName())) {
          throw new InvalidInputException(
              "Model bundle %s: %s holds \"%s\", which no published model has and which is not opened: it may run code. Restore the bundle from a copy, or train again."
                  .formatted(folder, BundleManifest.MODEL_FILE, entry.getName()));
        }
      }
    }
  }

  /** The folder it was opened from. */
  public String uri() {
    return uri;
  }

  /** The network that predictors are made of; to be read, not to be used or changed. */
  public MultiLayerNetwork network() {
    return network;
  }

  public BundleManifest manifest() {
    return manifest;
  }

  /**
   * What a window is.
   *
   * @throws InvalidInputException if it is a model of texts
   */
  public WindowContract contract() {
    if (manifest.contract() == null) {
      throw new InvalidInputException(
          "%s is a model of texts, and this reads windows of series. Give the bundle of a model that was trained on telemetry."
              .formatted(uri));
    }
    return manifest.contract();
  }

  /** How raw data becomes windows. */
  public JsonNode preparation() {
    return manifest.preparation();
  }

  public ModelSpec spec() {
    return manifest.spec();
  }

  /**
   * Which class probabilities stand for: of two classes the second from a threshold on, the given
   * one, else the bundle's; without either, and of more classes, the most probable.
   *
   * @param setting that gives the threshold
   * @throws InvalidConfigException if one is given, and the model has not two classes
   */
  public Decision decision(String setting, Optional<Double> threshold) {
    requireThresholdFits(setting, threshold);
    int V = outputClasses();
    return threshold
        .map(given -> new Decision(V, given.floatValue()))
        .or(() -> alarmThreshold().map(own -> new Decision(V, own.value())))
        .orElseGet(() -> Decision.mostProbable(V));
  }

  /**
   * Refuses a threshold where the model has not two classes that it would decide between.
   *
   * @param setting that gives the threshold
   * @throws InvalidConfigException if one is given, and the model has not two classes
   */
  public void requireThresholdFits(String setting, Optional<Double> threshold) {
    int V = outputClasses();
    if (threshold.isPresent() && (V != 2 || isLanguageModel())) {
      String model = V == 0 ? "a model without classes" : "a model of %,d classes".formatted(V);
      throw new InvalidConfigException(
          "for " + uri,
          List.of(
              "%s: must be auto for %s, because a threshold decides between two classes, but is %s"
                  .formatted(
                      setting, isLanguageModel() ? "a language model" : model, threshold.get())));
    }
  }

  /** V; 0 where the model has no classes. */
  private int outputClasses() {
    return spec().head().kind() == Head.Kind.CLASSES ? spec().head().outputs() : 0;
  }

  /** From which probability on a window is an alarm, where training chose that. */
  public Optional<AlarmThreshold> alarmThreshold() {
    return Optional.ofNullable(manifest.alarmThreshold());
  }

  /** SHA-256 of the manifest, which holds the hash of every other file: names the whole bundle. */
  public String hash() {
    return hash;
  }

  /** Whether the model is one of texts, and not of windows of series. */
  public boolean isOfText() {
    return manifest.text() != null;
  }

  /** Whether the model predicts the next token of a text. */
  public boolean isLanguageModel() {
    return isOfText() && manifest.text().contract().layout() == TextContract.Layout.STREAM;
  }

  /** Whether predictors can say which tokens the model attended to. */
  public boolean hasAttentionWeights() {
    return isOfText() && DocumentPredictor.attends(manifest.spec());
  }

  /**
   * What a text is.
   *
   * @throws InvalidInputException if it is no model of texts
   */
  public TextContract textContract() {
    if (!isOfText()) {
      throw new InvalidInputException(
          "%s is a model of windows of series, and this reads texts. Give the bundle of a model that was trained on documents."
              .formatted(uri));
    }
    return manifest.text().contract();
  }

  /**
   * The tokens of the model's ids.
   *
   * @throws InvalidInputException if it is no model of texts
   */
  public Vocabulary vocabulary() {
    textContract();
    return vocabulary;
  }

  /** Of a model of subwords, the text of its {@code tokenizer.json}; else null. */
  public String tokenizerJson() {
    return tokenizerJson;
  }

  /**
   * Turns texts into ids as the model's dataset did, for one thread.
   *
   * @throws InvalidInputException if it is no model of texts
   */
  public TextEncoder newTextEncoder() {
    return new TextEncoder(textContract(), vocabulary, tokenizerJson);
  }

  /**
   * A predictor of documents for one thread.
   *
   * @throws InvalidInputException if it is no model of documents
   */
  public DocumentPredictor newDocumentPredictor() {
    return new DocumentPredictor(own(), manifest.spec(), text(TextContract.Layout.DOCUMENTS));
  }

  /**
   * A reader of streams of tokens for one thread.
   *
   * @param streams B, read side by side
   * @throws InvalidInputException if it is no language model
   */
  public StreamPredictor newStreamPredictor(int streams) {
    return new StreamPredictor(own(), manifest.spec(), text(TextContract.Layout.STREAM), streams);
  }

  private TextContract text(TextContract.Layout wanted) {
    String reads = wanted == TextContract.Layout.STREAM ? "one long text, in order" : "documents";
    if (manifest.text() == null) {
      throw new InvalidInputException(
          "%s is a model of windows of series, and this reads texts. Give the bundle of a model that was trained on %s."
              .formatted(uri, reads));
    }
    TextContract contract = manifest.text().contract();
    if (contract.layout() != wanted) {
      throw new InvalidInputException(
          "%s is a %s. Give the bundle of a model that was trained on %s."
              .formatted(
                  uri,
                  wanted == TextContract.Layout.STREAM
                      ? "model of documents, and this predicts the next token"
                      : "language model, and this classifies documents",
                  reads));
    }
    return contract;
  }

  private MultiLayerNetwork own() {
    synchronized (network) {
      return network.clone();
    }
  }

  /** A predictor for one thread. */
  public Predictor newPredictor() {
    WindowContract contract = contract();
    return new Predictor(own(), manifest.spec(), contract, manifest.residualQuantiles());
  }
}
