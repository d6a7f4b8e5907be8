package io.sluice.scoring.bundle;

import io.sluice.config.Provenance;
import io.sluice.recurrent.head.AdaptiveSoftmax;
import io.sluice.recurrent.kernel.Cell;
import io.sluice.recurrent.kernel.Precision;
import io.sluice.recurrent.model.Attention;
import io.sluice.recurrent.model.Head;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.model.Networks;
import io.sluice.recurrent.model.OptimizerSpec;
import io.sluice.recurrent.model.WordEmbedding;
import io.sluice.sequences.text.TextBuild;
import io.sluice.sequences.text.dataset.TextDataset;
import io.sluice.sequences.text.encoding.Tokenizers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;

/**
 * Published models of texts with fresh parameters (a prediction need not be good to be the right
 * one), over a text of a few words.
 */
public final class TextModels {
  private static final Configuration HADOOP = new Configuration();

  private TextModels() {}

  /**
   * Builds a stream and publishes a language model over it.
   *
   * @param folder of its own
   * @param hocon more settings of the dataset
   */
  public static ModelBundle languageModel(Path folder, String... hocon) {
    return languageModel(folder, null, hocon);
  }

  /**
   * The same with a softmax over some words and clusters of the others.
   *
   * @param softmax null is over all of them
   */
  public static ModelBundle languageModel(Path folder, AdaptiveSoftmax softmax, String... hocon) {
    TextBuild build =
        TextBuild.in(folder)
            .text("train.txt", "it runs and runs\nit is broken\nall is well and it runs\n")
            .with("dataset.layout = stream");
    List.of(hocon).forEach(build::with);
    build.run();
    TextDataset dataset = build.open();
    int words = dataset.vocabulary().size();
    ModelSpec spec =
        new ModelSpec(
                1,
                5,
                Cell.LSTM,
                List.of(7, 6),
                false,
                0,
                ModelSpec.Output.SEQUENCE,
                List.of(),
                1,
                Precision.F32,
                Head.classes(words, List.of()).with(softmax))
            .with(WordEmbedding.of(words, 5));
    return publish(folder, "words", spec, dataset);
  }

  /**
   * Builds documents of two classes.
   *
   * @param folder of its own
   * @param hocon more settings of the dataset
   */
  public static TextDataset documents(Path folder, String... hocon) {
    TextBuild build =
        TextBuild.in(folder)
            .text(
                "train.csv",
                "id,label,text\n1,good,it runs and runs\n2,bad,it is broken\n3,good,all is well\n")
            .with("source { format = csv, columns { id = id, label = label, text = text } }");
    List.of(hocon).forEach(build::with);
    build.run();
    return build.open();
  }

  /**
   * Settings of a dataset of subwords by {@link Tokenizers#byteLevelBpe}.
   *
   * @param folder that the tokenizer and the text are written to
   * @param text that is read, of bytes that the tokenizer has pieces for
   */
  public static String subwords(Path folder, String text) {
    TextBuild files = TextBuild.in(folder);
    Path tokenizer =
        files.bytes("tokenizer.json", Tokenizers.byteLevelBpe().getBytes(StandardCharsets.UTF_8));
    Path source = files.bytes("subwords.txt", text.getBytes(StandardCharsets.UTF_8));
    return "source.path = \"%s\", text { tokens = subword, tokenizer-path = \"%s\" }"
        .formatted(source, tokenizer);
  }

  /** Publishes a classifier of documents into a folder's registry. */
  public static ModelBundle classifier(
      Path folder, String name, TextDataset documents, Attention attention) {
    ModelSpec spec =
        new ModelSpec(
                1,
                9,
                Cell.LSTM,
                List.of(6),
                true,
                0,
                ModelSpec.Output.LAST,
                List.of(),
                1,
                Precision.F32,
                Head.classes(2, List.of()),
                attention,
                false,
                false,
                0)
            .with(WordEmbedding.of(documents.vocabulary().size(), 5));
    return publish(folder, name, spec, documents);
  }

  private static ModelBundle publish(
      Path folder, String name, ModelSpec spec, TextDataset dataset) {
    MultiLayerNetwork network = Networks.create(spec, OptimizerSpec.constantAdam(1e-3), 42);
    network.params().muli(4); // fresh weights prefer nothing: larger ones do
    String uri =
        BundlePublisher.publish(
                folder.resolve("models").toUri().toString(),
                name,
                Optional.empty(),
                network,
                new BundleContents(
                    spec,
                    dataset,
                    Map.of(),
                    new Provenance("run", "code", "config", Instant.EPOCH)),
                HADOOP)
            .uri();
    return ModelBundle.open(uri, HADOOP);
  }
}
