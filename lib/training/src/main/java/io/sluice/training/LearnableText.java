package io.sluice.training;

import io.sluice.config.InvalidConfigException;
import io.sluice.config.Provenance;
import io.sluice.recurrent.embedding.WordVectors;
import io.sluice.recurrent.model.LayerTransfer;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.scoring.bundle.BundleContents;
import io.sluice.scoring.bundle.ModelBundle;
import io.sluice.sequences.lake.Lake;
import io.sluice.sequences.text.dataset.TextDataset;
import io.sluice.sequences.text.dataset.TextManifest;
import io.sluice.sequences.text.encoding.TextContract;
import io.sluice.sequences.text.encoding.Vocabulary;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
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

/** A dataset of text, of either layout. */
interface LearnableText extends Learnable {

  /** Opens a dataset folder. */
  static LearnableText open(TrainSettings settings, Configuration hadoop) {
    TextDataset dataset = TextDataset.open(settings.datasetPath(), hadoop).requireAudit();
    return dataset.contract().layout() == TextContract.Layout.STREAM
        ? LearnableStream.of(dataset, settings)
        : new LearnableDocuments(dataset, settings.batchSize());
  }

  TextDataset dataset();

  @Override
  default String uri() {
    return dataset().uri();
  }

  @Override
  default String fingerprint() {
    return Fingerprint.of(
        dataset().manifest().parts().stream()
            .sorted(Comparator.comparing(TextManifest.Part::path))
            .map(part -> part.path() + " " + part.contentHash()),
        dataset().contract());
  }

  @Override
  default void requireFit(TrainSettings settings) {
    var problems = new ArrayList<String>();
    if (settings.maxTrainWindows() > 0) {
      problems.add(
          "train.max-train-windows: must be 0, because texts are not thinned out, but is %d"
              .formatted(settings.maxTrainWindows()));
    }
    if (settings.bptt().varied() && dataset().contract().layout() != TextContract.Layout.STREAM) {
      problems.add(
          "train.bptt-varied: must be false, because documents are not cut into steps, but is true");
    }
    settings
        .maxFalseAlarmRate()
        .ifPresent(
            rate ->
                problems.add(
                    "train.max-false-alarm-rate: must be null, because no text is an alarm, but is %s"
                        .formatted(rate)));
    if (!problems.isEmpty()) {
      throw new InvalidConfigException("for a dataset of text", problems);
    }
  }

  /** Words that a file of vectors has begin with these. */
  @Override
  default void prepare(MultiLayerNetwork network, TrainSettings settings, Configuration hadoop) {
    if (settings.wordVectors().isEmpty()) {
      return;
    }
    Logger log = LoggerFactory.getLogger(LearnableText.class);
    String uri = settings.wordVectors().get();
    Vocabulary vocabulary = dataset().vocabulary();
    List<String> words = IntStream.range(0, vocabulary.size()).mapToObj(vocabulary::token).toList();
    try (InputStream file = decompressed(new Path(uri), hadoop)) {
      WordVectors.Coverage coverage = WordVectors.read(file, uri, words, network);
      log.info("Word vectors of {}: {}", uri, coverage.text());
    } catch (IOException e) {
      throw Lake.readFailure("file of word vectors", uri, e);
    }
  }

  @Override
  default LayerTransfer.Meaning meaning(ModelBundle bundle) {
    int[] words = ids(dataset().vocabulary(), bundle.vocabulary());
    String predicts = predicts(dataset().contract());
    String theirs = predicts(bundle.manifest().text().contract());
    return new LayerTransfer.Meaning(
        words,
        null,
        predicts.equals(theirs)
            ? null
            : "it predicts %s, the bundle %s".formatted(predicts, theirs));
  }

  /** What the outputs stand for, in their order. */
  private static String predicts(TextContract contract) {
    return contract.layout() == TextContract.Layout.STREAM
        ? "words"
        : "a class of %s".formatted(contract.classes());
  }

  /** Of each word the id in another vocabulary, special tokens by what they are for; −1 is none. */
  static int[] ids(Vocabulary own, Vocabulary theirs) {
    int[] ids = new int[own.size()];
    for (int id = 0; id < ids.length; id++) {
      ids[id] = theirs.has(own.token(id)) ? theirs.id(own.token(id)) : -1;
    }
    ids[own.unknownId()] = theirs.unknownId();
    if (own.padId() != null && theirs.padId() != null) {
      ids[own.padId()] = theirs.padId();
    }
    if (own.lineEndId() != null && theirs.lineEndId() != null) {
      ids[own.lineEndId()] = theirs.lineEndId();
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
  default BundleContents contents(
      MultiLayerNetwork network,
      ModelSpec spec,
      TrainSettings settings,
      Map<String, Double> metrics,
      Provenance provenance,
      Configuration hadoop) {
    return new BundleContents(spec, dataset(), metrics, provenance);
  }
}
