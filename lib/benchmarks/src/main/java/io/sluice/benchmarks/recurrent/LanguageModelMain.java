package io.sluice.benchmarks.recurrent;

import io.sluice.benchmarks.ProcessMemory;
import java.io.IOException;
import java.nio.file.Path;

/** The process of one contestant with a language model. */
final class LanguageModelMain {
  private final LanguageModelContestant contestant;
  private LanguageModel model;

  private LanguageModelMain(LanguageModelContestant contestant) {
    this.contestant = contestant;
  }

  public static void main(String[] args) throws IOException {
    int threads = Integer.parseInt(args[1]);
    try (LanguageModelContestant contestant = create(Side.of(args[0]), threads)) {
      ContestantMain.serve(new LanguageModelMain(contestant)::run);
    }
  }

  private static LanguageModelContestant create(Side side, int threads) {
    return switch (side) {
      case SLUICE, SLUICE_ONE_THREAD -> new SluiceLanguageModel(threads);
      case LIBTORCH, LIBTORCH_KEEPING -> new LibtorchLanguageModel(threads, false);
      case LIBTORCH_AUTOCAST -> new LibtorchLanguageModel(threads, true);
      case DL4J -> throw new IllegalArgumentException("dl4j has no language model here");
    };
  }

  private String run(String[] words) throws IOException {
    return switch (words[0]) {
      case "open" -> {
        model = LanguageModel.parse(words[1], words[2]);
        yield contestant.open(model);
      }
      case "losses" -> ContestantMain.joined(contestant.losses());
      case "gradients" -> {
        ContestantMain.write(
            contestant.gradients(), model.parameters().keySet(), Path.of(words[1]));
        yield "";
      }
      case "train" -> ContestantMain.timed(() -> contestant.train(Integer.parseInt(words[1])));
      case "memory" -> ProcessMemory.residentKibibytes() + " " + ProcessMemory.peakKibibytes();
      default -> throw new IllegalArgumentException("%s is not a command".formatted(words[0]));
    };
  }
}
