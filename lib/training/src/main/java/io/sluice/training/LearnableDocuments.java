package io.sluice.training;

import io.sluice.config.InvalidConfigException;
import io.sluice.failure.InvalidInputException;
import io.sluice.recurrent.model.ModelSettings;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.text.dataset.Padding;
import io.sluice.sequences.text.dataset.TextDataset;
import io.sluice.sequences.text.dataset.TextManifest;
import io.sluice.sequences.text.encoding.TextContract;
import io.sluice.training.loop.DocumentSource;
import io.sluice.training.loop.ExampleSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;

/**
 * Documents with a class each: a dataset of text.
 *
 * @param batchSize B, documents of a step
 */
record LearnableDocuments(TextDataset dataset, int batchSize) implements LearnableText {

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
  public Optional<Padding> padding() {
    return Optional.of(dataset.padding(Split.TRAIN, batchSize));
  }

  /** What decides the order of documents; runs of before it was decided had pools of 8 batches. */
  @Override
  public Map<String, String> fixedSettings() {
    int poolBatches = dataset.padding(Split.TRAIN, batchSize).poolBatches();
    return poolBatches == Padding.MOST_BATCHES
        ? Map.of()
        : Map.of("batches mixed with one another", Integer.toString(poolBatches));
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
  public void requireTrainable() {
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
}
