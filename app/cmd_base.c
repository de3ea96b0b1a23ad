#include "config.h"

#include <string.h>

#include "app/app.h"
#include "app/cmd_base.h"

static const struct command commands[] = {
    {"train", N_("train a base, or go on with one on a project's own pictures"), cmd_base_train},
    {"list", N_("the bases of this project and the one inside the program"), cmd_base_list},
    {"import", N_("take a weight file into the project"), cmd_base_import},
    {"extract", N_("cut a smaller base out of an elastic one"), cmd_base_extract},
    {"export", N_("write a base as a weight file or as an ONNX model"), cmd_base_export},
};

static void usage(FILE *out)
{
    fputs(_("Usage: assay base COMMAND [OPTION...]\n"
            "A base is the network that turns a picture into features; models are learned on top of it.\n\n"),
          out);
    command_list(out, commands, sizeof commands / sizeof *commands);
    fputs(_("\n`assay base COMMAND --help` tells a command's options.\n"), out);
}

int cmd_base(int argc, char **argv)
{
    if (argc < 2) {
        usage(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-?") == 0 || strcmp(argv[1], "help") == 0) {
        usage(stdout);
        return EXIT_OK;
    }
    return command_run("assay base", commands, sizeof commands / sizeof *commands, argc, argv);
}
