#include "config.h"

#include <stdio.h>
#include <string.h>

#include "app/project.h"
#include "base/intl.h"
#include "nn/blas.h"

static const struct command commands[] = {
    {"init", N_("make a project in a folder"), cmd_init},
    {"add", N_("add pictures, known answers and metadata"), cmd_add},
    {"scene", N_("show or change how a scene's pictures are looked at"), cmd_scene},
    {"screen", N_("score every picture and flag the rare ones"), cmd_screen},
    {"watch", N_("follow folders: screen what cameras write, as it comes"), cmd_watch},
    {"review", N_("answer the flagged pictures in the terminal"), cmd_review},
    {"train", N_("learn from the answers, in the background"), cmd_train},
    {"worker", N_("work off rounds of training (`assay train` starts one)"), cmd_worker},
    {"models", N_("what was trained, how it compared, what is active"), cmd_models},
    {"promote", N_("make a trained model the active one"), cmd_promote},
    {"rollback", N_("go back to what was active before"), cmd_rollback},
    {"audit", N_("bound how many defects the filter lets through, by random draws"), cmd_audit},
    {"strategies", N_("settings of training and what they brought"), cmd_strategies},
    {"report", N_("what the filter kept and lost, how sure that is, as text, JSON or a page"), cmd_report},
    {"export", N_("write everything known about the pictures as CSV or JSON lines"), cmd_export},
    {"status", N_("what stands where"), cmd_status},
    {"simulate", N_("replay known answers: what assay would have saved"), cmd_simulate},
    {"evaluate", N_("measure the filter against known answers"), cmd_evaluate},
    {"base", N_("the networks that see: list, import, export, train"), cmd_base},
    {"backup", N_("copy the whole project into one file while people work"), cmd_backup},
    {"restore", N_("make a project from a backup"), cmd_restore},
    {"check", N_("consistency of database, files and models"), cmd_check},
    {"log", N_("who did what when"), cmd_log},
    {"user", N_("who is an inspector and who is a lead"), cmd_user},
    {"hook", N_("the command for confirmed stop defects, and how it stands"), cmd_hook},
    {"config", N_("what is set, by whom, and set it"), cmd_config},
    {"keys", N_("the keys of the screen, as a list or as a file to change"), cmd_keys},
    {"demo", N_("make inspection pictures, screen them, open the review"), cmd_demo},
};

static void usage(FILE *out)
{
    fputs(_("Usage: assay COMMAND [OPTION...]\n"
          "Finds the rare defects in a flood of normal inspection pictures.\n\n"),
          out);
    command_list(out, commands, sizeof commands / sizeof *commands);
    fputs(_("\n`assay COMMAND --help` tells a command's options; `assay` alone inside a project\n"
          "is `assay review`. Exit status: 0 done, 1 failed, 2 wrong usage.\n"),
          out);
}

// `assay` alone: the review inside a project, also below its folder.
static int without_command(int argc, char **argv)
{
    struct project project;
    struct error err;
    enum status status = project_open(NULL, &project, &err);
    if (status == ST_NOT_FOUND) {
        usage(stderr);
        return EXIT_USAGE;
    }
    if (status != ST_OK)
        return fail(&err);
    project_close(&project);
    return cmd_review(argc, argv);
}

int main(int argc, char **argv)
{
    blas_reexec(argv);
    intl_begin();
    for (int i = 1; i < argc; i++)
        if (strncmp(argv[i], "--js", 4) == 0)
            intl_english(); // what programs read is the same everywhere
    argp_err_exit_status = EXIT_USAGE;
    argp_program_version = PACKAGE_STRING;
    if (argc < 2)
        return without_command(argc, argv);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-?") == 0 || strcmp(argv[1], "help") == 0) {
        usage(stdout);
        return EXIT_OK;
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        puts(PACKAGE_STRING);
        return EXIT_OK;
    }
    int code = command_run("assay", commands, sizeof commands / sizeof *commands, argc, argv);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fputs(_("assay: cannot write the output: disk full or pipe closed\n"), stderr);
        return EXIT_FAILED;
    }
    return code;
}
