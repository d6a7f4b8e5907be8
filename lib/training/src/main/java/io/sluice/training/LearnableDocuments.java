package io.sluice.training;

import io.sluice.config.InvalidConfigException;
import io.sluice.config.Provenance;
import io.sluice.failure.InvalidInputException;
import io.sluice.recurrent.embedding.WordVectors;
import io.sluice.recurrent.model.LayerTransfer;
import io.sluice.recurrent.model.ModelSettings;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.scoring.bundle.BundleContents;
import io.sluice.scoring.bundle.ModelBundle;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.lake.Lake;
import io.sluice.sequences.text.dataset.TextDataset;
import io.sluice.sequences.text.dataset.TextManifest;
import io.sluice.sequences.text.encoding.TextContract;
import io.sluice.sequences.text.encoding.Vocabulary;
import io.sluice.training.loop.DocumentSource;
import io.sluice.training.loop.ExampleSource;
import java.io.IOException;
import java.io.InputStream;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.io.compress.CompressionCodec;
import org.apache.hadoop.io.compress.CompressionCodecFactory;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Documents with a class each: a dataset of text. */
record LearnableDocuments(TextDataset dataset) implements Learnable {
  private static final Logger LOG = LoggerFactory.getLogger(LearnableDocuments.class);

  /** Opens a dataset folder. */
  static LearnableDocuments open(TrainSettings settings, Configuration hadoop) {
    if (settings.maxTrainWindows() > 0) {
      throw new InvalidConfigException(
          "for a dataset of documents",
          List.of(
              "train.max-train-windows: must be 0, because documents are not thinned out, but is %d"
                  .formatted(settings.maxTrainWindows())));
    }
    return new LearnableDocuments(TextDataset.open(settings.datasetPath(), hadoop).requireAudit());
  }

  @Override
  public String uri() {
    return dataset.uri();
  }

  @Override
  public ExampleSource source() {
    return new DocumentSource(dataset.uri());
  }

  @Override
  public String examples() {
    return "documents";
  }

  @Override
  public long count(Split split) {
    return dataset.documents(split);
  }

  @Override
  public long countOfEpoch(Configuration hadoop) {
    return count(Split.TRAIN);
  }

  @Override
  public ModelSpec spec(ModelSettings model) {
    if (model.output() == ModelSpec.Output.SEQUENCE) {
      throw new InvalidConfigException(
          "for a dataset of documents",
          List.of(
              "model.output: must be last, mean, max or concat, because a document has one class, but is sequence"));
    }
    TextContract contract = dataset.contract();
    return model.toSpec(1, longest(), 1, contract.classes().size(), contract.vocabularySize());
  }

  /** Tokens of the longest document: what memory is planned for. */
  private int longest() {
    return dataset.manifest().splits().values().stream()
        .flatMap(split -> split.lengths().stream())
        .mapToInt(TextManifest.Bin::upTo)
        .max()
        .orElse(1);
  }

  @Override
  public String fingerprint() {
    return Fingerprint.of(
        dataset.manifest().parts().stream()
            .sorted(Comparator.comparing(TextManifest.Part::path))
            .map(part -> part.path() + " " + part.contentHash()),
        dataset.contract());
  }

  @Override
  public void requireTrainable() {
    if (dataset.contract().layout() != TextContract.Layout.DOCUMENTS) {
      throw new InvalidInputException(
          "Cannot train on %s: its layout is stream, and this release trains on documents. Rebuild with build-sequences and dataset.layout = documents."
              .formatted(uri()));
    }
    if (dataset.contract().classes().size() < 2) {
      throw new InvalidInputException(
          "Cannot train on %s: its documents have %s, and a class to learn needs two. Name the column of labels in source.columns.label and rebuild with build-sequences."
              .formatted(
                  uri(),
                  dataset.contract().classes().isEmpty()
                      ? "no labels"
                      : "one label, " + dataset.contract().classes().get(0)));
    }
    for (Split split : new Split[] {Split.TRAIN, Split.VALIDATION}) {
      if (count(split) == 0) {
        throw new InvalidInputException(
            "Cannot train on %s: its %s split has no document. Give split.%s a larger share, or source.%s-path a file, and rebuild with build-sequences."
                .formatted(uri(), split.label(), split.label(), split.label()));
      }
    }
  }

  /** Words that a file of vectors has begin with these. */
  @Override
  public void prepare(MultiLayerNetwork network, TrainSettings settings, Configuration hadoop) {
    if (settings.wordVectors().isEmpty()) {
      return;
    }
    String uri = settings.wordVectors().get();
    Vocabulary vocabulary = dataset.vocabulary();
    List<String> words = IntStream.range(0, vocabulary.size()).mapToObj(vocabulary::token).toList();
    try (InputStream file = decompressed(new Path(uri), hadoop)) {
      WordVectors.Coverage coverage = WordVectors.read(file, uri, words, network);
      LOG.info("Word vectors of {}: {}", uri, coverage.text());
    } catch (IOException e) {
      throw Lake.readFailure("file of word vectors", uri, e);
    }
  }

  @Override
  public LayerTransfer.Meaning meaning(ModelBundle bundle) {
    List<String> own = dataset.contract().classes();
    int[] words = ids(dataset.vocabulary(), bundle.vocabulary());
    List<String> theirs = bundle.manifest().text().contract().classes();
    return new LayerTransfer.Meaning(
        words,
        null,
        own.equals(theirs)
            ? null
            : "its classes are %s, the bundle %s"
                .formatted(own, theirs.isEmpty() ? "predicts words" : "has " + theirs));
  }

  /** Of each word the id in another vocabulary, special tokens by what they are for; −1 is none. */
  private static int[] ids(Vocabulary own, Vocabulary theirs) {
    int[] ids = new int[own.size()];
    for (int id = 0; id < ids.length; id++) {
      ids[id] = theirs.has(own.token(id)) ? theirs.id(own.token(id)) : -1;
    }
    ids[own.unknownId()] = theirs.unknownId();
    if (own.padId() != null) {
      ids[own.padId()] = theirs.padId() == null ? theirs.unknownId() : theirs.padId();
    }
    return ids;
  }

  /** By its name, as Hadoop does. */
  private static InputStream decompressed(Path path, Configuration hadoop) throws IOException {
    InputStream file = path.getFileSystem(hadoop).open(path);
    CompressionCodec codec = new CompressionCodecFactory(hadoop).getCodec(path);
    return codec == null ? file : codec.createInputStream(file);
  }

  @Override
  public BundleContents contents(
      MultiLayerNetwork network,
      ModelSpec spec,
      TrainSettings settings,
      Map<String, Double> metrics,
      Provenance provenance,
      Configuration hadoop) {
    return new BundleContents(spec, dataset, metrics, provenance);
  }
}
