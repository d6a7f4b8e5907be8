package io.sluice.scoring.evaluation;

import io.sluice.failure.InvalidInputException;
import io.sluice.sequences.text.dataset.TextDataset;
import io.sluice.sequences.text.encoding.TextContract;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/** Whether a model of texts can read a dataset: the same ids, of the same tokens. */
final class TextFit {

  /**
   * @throws InvalidInputException naming every difference
   */
  static void require(TextContract bundle, String uri, TextDataset dataset) {
    var differences = new ArrayList<String>();
    TextContract found = dataset.contract();
    compare(differences, "layout", bundle.layout(), found.layout());
    compare(differences, "tokenisation", bundle.tokenisation(), found.tokenisation());
    compare(differences, "vocabulary", bundle.vocabularyHash(), found.vocabularyHash());
    compare(differences, "max-tokens", bundle.maxTokens(), found.maxTokens());
    compare(differences, "truncate", bundle.truncate(), found.truncate());
    compare(differences, "classes", bundle.classes(), found.classes());
    if (!differences.isEmpty()) {
      throw new InvalidInputException(
          "Model bundle %s does not fit dataset %s, %d difference(s):%n  - %s%nEvaluate on a dataset built with the bundle's vocabulary (text.vocabulary.path) and settings, or train on this one."
              .formatted(
                  uri,
                  dataset.uri(),
                  differences.size(),
                  String.join(System.lineSeparator() + "  - ", differences)));
    }
  }

  private static void compare(List<String> found, String what, Object bundle, Object dataset) {
    if (!Objects.equals(bundle, dataset)) {
      found.add("%s is %s in the bundle, %s in the dataset".formatted(what, bundle, dataset));
    }
  }

  private TextFit() {}
}
